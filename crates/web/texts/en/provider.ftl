# Signing in at another provider.

provider-way = Sign in with { $name }
provider-way-detail = You prove who you are there, and come back
provider-onward-title = One moment
provider-onward = You go on to { $name }, and come back here.
provider-away = That provider can’t be reached at the moment. Try again later, or choose another way.
provider-refused = The provider signed nobody in. Try again, or choose another way.
provider-not-taken = The provider’s answer can’t be used. Try again; if that doesn’t help, tell your administrator.
provider-over = This way to the provider is over or was used. Start it again.
provider-unknown = Your account at the provider isn’t known here. Ask your administrator to link it, or choose another way.
strength-provider = Another provider
