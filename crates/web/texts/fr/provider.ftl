# Se connecter chez un autre fournisseur.

provider-way = Se connecter avec { $name }
provider-way-detail = Vous y prouvez votre identité, puis vous revenez
provider-onward-title = Un instant
provider-onward = Vous allez chez { $name }, puis vous revenez ici.
provider-away = Ce fournisseur est injoignable pour le moment. Réessayez plus tard ou choisissez un autre moyen.
provider-refused = Le fournisseur n’a connecté personne. Réessayez ou choisissez un autre moyen.
provider-not-taken = La réponse du fournisseur est inutilisable. Réessayez ; si cela n’aide pas, prévenez votre administrateur.
provider-over = Ce passage chez le fournisseur est terminé ou a déjà servi. Recommencez-le.
provider-unknown = Votre compte chez le fournisseur n’est pas connu ici. Demandez à votre administrateur de le lier ou choisissez un autre moyen.
strength-provider = Un autre fournisseur
