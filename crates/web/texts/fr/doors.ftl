# Ce que les portes de l’authentification unique montrent elles-mêmes : demandes refusées, déconnexion, appareils sans navigateur.

door-refused-title = Connexion impossible
door-refused = L’application vous a envoyé ici avec une demande qui ne peut pas être acceptée. Revenez à l’application et recommencez. Si cela ne suffit pas, prévenez son administrateur :
door-failed-title = Une erreur s’est produite de notre côté
door-failed = Personne n’a été connecté. Patientez un instant et réessayez.
carry-title = Retour à l’application
carry-about = La suite est automatique. Sinon, utilisez le bouton.

sign-out-title = Se déconnecter ?
sign-out-asks = « { $app } » demande à vous déconnecter.
sign-out-about = La déconnexion met fin à votre session ici et dans chaque application que vous avez ouverte depuis celle-ci.
sign-out-stay = Rester connecté
signing-out-title = Déconnexion en cours
signing-out = Les applications que vous avez ouvertes sont prévenues l’une après l’autre.
signed-out-title = Déconnecté
signed-out = Vous êtes déconnecté.
signed-out-missed = Ces applications n’ont pas pu être prévenues ou ne vous ont pas déconnecté. Fermez le navigateur, ou déconnectez-vous-y vous-même :
open-title = Ouvrir une application
open-about = Un autre site vous a peut-être envoyé ici. Voulez-vous ouvrir « { $app } » ?
open-do = Ouvrir « { $app } »

device-title = Connecter un appareil
device-code = Code de l’appareil
device-enter = Saisissez le code que votre appareil affiche.
device-wrong = Aucun appareil n’attend avec ce code. Les codes sont valables dix minutes.
device-warning = Quelqu’un vous a envoyé ce code ? Fermez alors cette page : la personne qui a l’appareil serait connectée à votre place.
device-confirm-title = Connecter cet appareil ?
device-asks = Un appareil demande à utiliser « { $app } » en votre nom.
device-about = À propos de l’appareil
device-minutes =
    { $count ->
        [0] Sa demande date de moins d’une minute.
        [one] Sa demande date d’une minute.
       *[other] Sa demande date de { $count } minutes.
    }
device-from = Elle vient de l’adresse { $address }.
device-from-nowhere = On ne sait pas d’où elle vient.
device-agent = Il se présente comme « { $name } ».
device-nameless = Il ne dit pas ce qu’il est.
device-question = Un appareil devant vous affiche-t-il ce code en ce moment ?
device-deny = Non, refuser
device-allow = Oui, connecter cet appareil
device-told = Si quelqu’un vous a envoyé le code ou vous a demandé par téléphone de le saisir, refusez : cette personne serait connectée à votre place.
device-connected-title = L’appareil est connecté
device-connected = Vous pouvez fermer cette page et continuer sur l’appareil.
device-refused-title = L’appareil a été refusé
device-refused = Vous pouvez fermer cette page.
device-nothing-title = Rien n’a été connecté
device-over = Le code n’est plus valable. Recommencez sur l’appareil.
device-gone = C’est terminé, ou cela a été commencé dans un autre navigateur. Saisissez le code à nouveau.
device-not-signed-in = Vous ne vous êtes pas connecté.
