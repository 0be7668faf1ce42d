# Les pages personnelles, l’inscription et l’annulation.

account-title = Votre compte
account-about = Vos moyens de connexion, et les endroits où vous êtes connecté.
signed-in-as = Connecté en tant que
sign-out = Se déconnecter
account-things = Moyens de connexion
account-nothing = Il n’y en a pas encore.
account-wants-second = Vous n’avez qu’un seul moyen de connexion. Ajoutez-en un autre, pour ne pas être bloqué si vous le perdez.
account-changes = Ajouts récents
account-changes-about = L’un d’eux n’est pas de vous ? Utilisez le lien de l’avis que vous avez reçu, ou signalez-le ci-dessous.
account-more = Plus
account-done-added = Ajouté. Nous vous avons prévenu par tous vos canaux.
account-done-removed = Supprimé.
account-done-renamed = Renommé.
account-done-reported = Signalé. Les demandes vers votre téléphone sont arrêtées et vous êtes déconnecté partout ailleurs.
account-done-codes = Vos codes de secours sont en place. Les anciens ne fonctionnent plus.
account-name-unusable = Ce nom ne convient pas. Utilisez au plus 60 caractères ordinaires.
thing-passkey = Clé d’accès sur un seul appareil
thing-passkey-synced = Clé d’accès, synchronisée avec vos autres appareils
thing-authenticator = Authentificateur
thing-phone = Téléphone
thing-token = Jeton matériel
thing-yubikey = YubiKey
thing-provider = Compte chez un autre fournisseur
thing-suspended = Suspendu : inutilisable. Adressez-vous à votre administrateur, ou supprimez-le.
last-used = Dernière utilisation
added-on = Ajouté le
rename = Renommer
new-name = Nouveau nom
save = Enregistrer
remove = Supprimer
add-another = Ajouter un moyen de connexion
to-account = Vers votre compte
not-now = Pas maintenant
add-title = Ajouter un moyen de connexion
add-about = Une clé d’accès est le moyen le plus sûr et le plus rapide. L’authentificateur du téléphone fonctionne partout.
add-second = C’est fait. Ajoutez maintenant un second moyen, pour ne pas être bloqué si vous perdez le premier.
add-with-pass = Votre laissez-passer permet d’enregistrer une clé d’accès, et rien d’autre.
add-after-recovery = Vous vous êtes connecté avec un code de secours. Ajoutez maintenant un nouveau moyen de connexion.
add-passkey-detail = Empreinte, visage, code PIN ou clé de sécurité
add-authenticator-way = Authentificateur
add-authenticator-detail = Sur votre téléphone, en scannant un code
add-authenticator-title = Ajouter un authentificateur
add-authenticator-about = Prenez votre téléphone. Cette page affichera un code que son authentificateur scannera. Le code sert une fois, pendant quelques minutes.
add-authenticator-show = Afficher le code
add-passkey-title = Ajouter une clé d’accès
add-passkey-about = Votre appareil demande votre empreinte, votre visage ou votre code PIN. Rien de secret n’en sort, et une fausse page ne peut pas s’en servir.
confirm-first = Confirmer que c’est vous
register-do = Créer une clé d’accès
register-cancelled = L’opération a été annulée ou a pris trop de temps. Rien n’a été ajouté.
register-unsupported = Ce navigateur ne peut pas créer de clés d’accès. Utilisez une version récente de Chrome, Edge, Firefox ou Safari, ou l’authentificateur.
passkey-registered = Cet appareil ou cette clé a déjà une clé d’accès pour votre compte.
passkey-not-made = La clé d’accès n’a pas pu être créée. Rien n’a été ajouté ; réessayez.
passkey-not-permitted = Votre organisation n’accepte pas ce type de clé d’accès. Utilisez un autre appareil ou une autre clé.
remove-title = Supprimer ce moyen de connexion ?
remove-about = « { $name } » ne pourra plus servir. Vous serez déconnecté partout ailleurs.
remove-surely = Le supprimer
remove-last-title = C’est le dernier
remove-last = Sans lui, vous ne pourriez plus vous connecter. Ajoutez d’abord un autre moyen, ou créez des codes de secours.
codes-title = Codes de secours
codes-about = Dix codes pour le jour où vous aurez perdu tout le reste. Chacun sert une fois. En créer de nouveaux met fin aux anciens.
codes-make = Créer dix codes
codes-made-title = Vos codes de secours
codes-made-about = Ils ne sont affichés que maintenant. Imprimez-les ou notez-les, et gardez-les avec vos objets de valeur, pas sur cet ordinateur.
codes-kept = Je les ai conservés
sessions-title = Où vous êtes connecté
sessions-detail = Navigateurs, et déconnexion
sessions-about = Les navigateurs dans lesquels vos pages sont ouvertes. Si vous n’en reconnaissez pas un, déconnectez-le et signalez-le.
sessions-this = celui-ci
sessions-unknown = Un navigateur
sessions-since = Depuis
sessions-end-others = Se déconnecter partout ailleurs
strength-passkey = Avec une clé d’accès
strength-push = Avec l’authentificateur
strength-otp = Avec un code
strength-sms = Avec un message ou un appel
strength-bypass = Avec un code de contournement
strength-enrollment = Après l’inscription
strength-recovery = Avec un code de secours
strength-access_pass = Avec un laissez-passer
open-authenticator = Authentificateur
open-authenticator-detail = Approuver des connexions avec cet appareil
report-title = Ce n’était pas moi
report-detail = Signaler une demande que vous n’avez pas faite
report-about = Les demandes vers votre téléphone s’arrêtent aussitôt, aucun navigateur n’est plus mémorisé, vous êtes déconnecté partout ailleurs et les responsables de votre organisation sont prévenus. Si quelqu’un peut connaître votre mot de passe, changez-le.
report-surely = Signaler
undo-title = Annuler cet ajout ?
undo-about = Ceci a été ajouté à votre compte :
undo-until = Annulable jusqu’au
undo-do = Ce n’était pas moi : annuler
undo-report = Seulement signaler
undo-what-happens = L’annulation supprime cet ajout et tout ce qui a été ajouté ensuite, et vous déconnecte partout.
undo-undone-title = Annulé
undo-undone = L’ajout a été supprimé, vous avez été déconnecté partout et les responsables de votre organisation ont été prévenus. Si quelqu’un peut connaître votre mot de passe, changez-le.
undo-reported-title = Signalé
undo-reported = Les responsables de votre organisation ont été prévenus et les demandes vers votre téléphone sont arrêtées. L’ajout est toujours là.
change-passkey = Clé d’accès
change-authenticator = Authentificateur
change-recovery_codes = Codes de secours
change-access_pass = Laissez-passer
change-token = Jeton, donné par un administrateur
change-phone = Téléphone, donné par un administrateur
change-bypass_codes = Codes de contournement, créés par un administrateur
change-enrollment_link = Lien d’inscription, créé par un administrateur
change-provider = Connexion par un autre fournisseur
change-addition_request = Un administrateur demande à ajouter quelque chose
activate-title = Préparez votre connexion
activate-about = Cela prend environ une minute. Ce lien sert une seule fois.
activate-passkey = Sur cet appareil : une clé d’accès
activate-authenticator = Sur votre téléphone : l’authentificateur
activate-scan-about = Scannez ce code avec l’appareil photo du téléphone et suivez ses indications. Cette page continue d’elle-même.
activate-qr-alt = Code QR contenant le lien qui prépare l’authentificateur
activate-here = Faire de cet appareil l’authentificateur
activate-ready = Mon authentificateur est prêt
activate-not-yet = Le code n’a pas encore servi. Scannez-le d’abord.
activate-show-nobody = Ne montrez cette page à personne : quiconque scanne le code peut se connecter à votre place.
activate-step-open = Visez le code avec l’appareil photo du téléphone, ou ouvrez-y l’authentificateur et choisissez « Scanner ».
activate-step-scan = Suivez les indications du téléphone.
activate-step-done = Revenez ici quand il annonce que le compte a été ajouté.
activate-by-link = Impossible de scanner ?
activate-by-link-about = Ouvrez ce lien sur votre téléphone :
codes-left =
    { $count ->
        [0] Aucun : créez-en et gardez-les en lieu sûr
        [one] { $count } restant
       *[other] { $count } restants
    }

# Le mot de passe.
own-password-title = Mot de passe
own-password-detail = La première de deux preuves, aux applications
own-password-about = Choisissez un autre mot de passe. Vous serez déconnecté partout ailleurs.
own-password-label = Nouveau mot de passe
own-password-hint = { $count ->
    [one] Au moins un caractère.
   *[other] Au moins { $count } caractères. Plusieurs mots se retiennent bien et se devinent mal.
}
own-password-set = Enregistrer
own-password-guessed = { $count ->
   *[other] Ce mot de passe est parmi les premiers que l’on devine. Choisissez-en un autre.
}
own-password-length = { $count ->
   *[other] Un mot de passe a au moins { $count } caractères, et au plus 1024 octets.
}
account-done-password = Votre mot de passe a été changé.
change-password = Mot de passe
