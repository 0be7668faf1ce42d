# A person's own pages, enrolment, and what undoes.

account-title = Your account
account-about = What you can sign in with, and where you are signed in.
signed-in-as = Signed in as
sign-out = Sign out
account-things = Ways to sign in
account-nothing = There is none yet.
account-wants-second = You have only one way to sign in. Add another, so that you aren’t locked out when you lose it.
account-changes = Added lately
account-changes-about = Didn’t you add one of these? Use the link in the notice that you were sent, or report it below.
account-more = More
account-done-added = Added. We have told you on all your channels.
account-done-removed = Removed.
account-done-renamed = Renamed.
account-done-reported = Reported. Requests to your phone are stopped, and you were signed out everywhere else.
account-done-codes = Your recovery codes are set. Older ones don’t work any more.
account-name-unusable = That can’t be a name. Use up to 60 ordinary characters.
thing-passkey = Passkey on one device
thing-passkey-synced = Passkey, kept in step with your other devices
thing-authenticator = Authenticator
thing-phone = Phone
thing-token = Hardware token
thing-yubikey = YubiKey
thing-provider = Account at another provider
thing-suspended = Suspended: it can’t be used. Ask your administrator, or remove it.
last-used = Last used
added-on = Added
rename = Rename
new-name = New name
save = Save
remove = Remove
add-another = Add a way to sign in
to-account = To your account
not-now = Not now
add-title = Add a way to sign in
add-about = A passkey is the safest and the quickest. The authenticator on your phone works everywhere.
add-second = Done. Now add a second one, so that you aren’t locked out when you lose the first.
add-with-pass = Your access pass lets you register a passkey, and nothing else.
add-after-recovery = You signed in with a recovery code. Add a new way to sign in now.
add-passkey-detail = Fingerprint, face, PIN or security key
add-authenticator-way = Authenticator
add-authenticator-detail = On your phone, by scanning a code
add-authenticator-title = Add an authenticator
add-authenticator-about = Have your phone at hand. This page will show a code that the authenticator on it scans. The code works once and for a few minutes.
add-authenticator-show = Show the code
add-passkey-title = Add a passkey
add-passkey-about = Your device asks for your fingerprint, face or PIN. Nothing secret leaves it, and a false page can’t use it.
confirm-first = Confirm that it’s you
register-do = Create a passkey
register-cancelled = That was cancelled or took too long. Nothing was added.
register-unsupported = This browser can’t create passkeys. Use a current version of Chrome, Edge, Firefox or Safari, or the authenticator.
passkey-registered = This device or key has a passkey for your account already.
passkey-not-made = The passkey couldn’t be created. Nothing was added; try again.
passkey-not-permitted = Your organisation doesn’t accept this kind of passkey. Use another device or key.
remove-title = Remove this way to sign in?
remove-about = “{ $name }” can’t be used any more after this. You will be signed out everywhere else.
remove-surely = Remove it
remove-last-title = This is your last one
remove-last = Without it you couldn’t sign in any more. Add another way first, or make recovery codes.
codes-title = Recovery codes
codes-about = Ten codes for the day when you have lost everything else. Each works once. Making new ones ends the old ones.
codes-make = Make ten codes
codes-made-title = Your recovery codes
codes-made-about = They are shown only now. Print them or write them down, and keep them where you keep other valuables, not on this computer.
codes-kept = I have kept them
sessions-title = Where you are signed in
sessions-detail = Browsers, and signing out of them
sessions-about = Browsers in which your own pages are open. If you don’t know one, sign it out and report it.
sessions-this = this one
sessions-unknown = A browser
sessions-since = Since
sessions-end-others = Sign out everywhere else
strength-passkey = With a passkey
strength-push = With the authenticator
strength-otp = With a passcode
strength-sms = With a message or call
strength-bypass = With a bypass code
strength-enrollment = After enrolment
strength-recovery = With a recovery code
strength-access_pass = With an access pass
open-authenticator = Authenticator
open-authenticator-detail = Use this device to approve sign-ins
report-title = That wasn’t me
report-detail = Report a request that you didn’t start
report-about = Requests to your phone stop at once, no browser is remembered any more, you are signed out everywhere else, and your organisation’s people are told. If somebody may know your password, change it.
report-surely = Report it
undo-title = Take this back?
undo-about = This was added to your account:
undo-until = Can be undone until
undo-do = That wasn’t me: undo it
undo-report = Only report it
undo-what-happens = Undoing removes it and whatever was added after it, and signs you out everywhere.
undo-undone-title = Undone
undo-undone = It was removed, you were signed out everywhere, and your organisation’s people were told. If somebody may know your password, change it.
undo-reported-title = Reported
undo-reported = Your organisation’s people were told, and requests to your phone are stopped. What was added is still there.
change-passkey = Passkey
change-authenticator = Authenticator
change-recovery_codes = Recovery codes
change-access_pass = Access pass
change-token = Token, given by an administrator
change-phone = Telephone, given by an administrator
change-bypass_codes = Bypass codes, made by an administrator
change-enrollment_link = Link to enrol by, made by an administrator
change-provider = Signing in by another provider
change-addition_request = An administrator asks to add something
activate-title = Set up how you sign in
activate-about = It takes about a minute. This link works once.
activate-passkey = On this device: a passkey
activate-authenticator = On your phone: the authenticator
activate-scan-about = Scan this with your phone’s camera and follow what it shows. This page goes on by itself.
activate-qr-alt = QR code with the link that sets up the authenticator
activate-here = Use this device as the authenticator
activate-ready = My authenticator is ready
activate-not-yet = The code hasn’t been used yet. Scan it first.
activate-show-nobody = Show this page to nobody: whoever scans the code can sign in as you.
activate-step-open = Point your phone’s camera at the code, or open the authenticator on it and choose “Scan”.
activate-step-scan = Follow what the phone shows.
activate-step-done = Come back here when it says that the account was added.
activate-by-link = Can’t scan?
activate-by-link-about = Open this link on your phone:
codes-left =
    { $count ->
        [0] None: make some and keep them safe
        [one] { $count } left
       *[other] { $count } left
    }

# The password.
own-password-title = Password
own-password-detail = The first of two proofs at applications
own-password-about = Set another password. You are signed out everywhere else.
own-password-label = New password
own-password-hint = { $count ->
    [one] At least one character.
   *[other] At least { $count } characters. Several words are easy to keep and hard to guess.
}
own-password-set = Set password
own-password-guessed = { $count ->
   *[other] This password is among the first that are guessed. Choose another.
}
own-password-length = { $count ->
   *[other] A password has at least { $count } characters, and at most 1024 bytes.
}
account-done-password = Your password was changed.
change-password = Password
