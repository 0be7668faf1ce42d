# La page de connexion.

sign-in-title = Connexion
sign-in-to = pour continuer vers { $app }
sign-in-own = pour gérer vos moyens de connexion
step-up-title = Confirmez que c’est bien vous
step-up-why = Une nouvelle connexion est nécessaire avant toute modification.
signing-in-as = Connexion en tant que
not-you = Ce n’est pas vous ?
other-ways = Autres moyens de se connecter
try-again = Réessayer
or = ou

name-title = Connexion
name-label = Nom d’utilisateur
name-unusable = Ce ne peut pas être un nom d’utilisateur. Vérifiez-le et réessayez.

passkey-title = Connectez-vous avec votre clé d’accès
passkey-about = Votre appareil demande votre empreinte, votre visage ou votre code. Rien de secret ne le quitte.
passkey-use = Utiliser une clé d’accès
passkey-way = Clé d’accès
passkey-way-detail = Empreinte, visage, code ou clé de sécurité
passkey-needs-script = Les clés d’accès ont besoin de JavaScript, désactivé dans ce navigateur. Autorisez-le pour cette page, ou choisissez un autre moyen.
passkey-waiting = Suivez ce qu’affiche votre navigateur ou votre appareil.
passkey-checking = Vérification…
passkey-cancelled = L’opération a été annulée ou a pris trop de temps. Réessayez, ou choisissez un autre moyen.
passkey-unsupported = Ce navigateur ne prend pas en charge les clés d’accès. Utilisez une version récente de Chrome, Edge, Firefox ou Safari, ou choisissez un autre moyen.
passkey-wrong-address = Les clés d’accès ne fonctionnent pas à cette adresse. Vérifiez que c’est bien celle de votre organisation ; si oui, prévenez votre administrateur.
passkey-unknown = Cette clé d’accès n’est pas enregistrée ici, ou a été supprimée. Choisissez-en une autre, ou un autre moyen.
passkey-refused = La clé d’accès n’a pas été acceptée. Réessayez, ou choisissez un autre moyen.
passkey-failed = Votre appareil n’a pas pu utiliser la clé d’accès. Réessayez, ou choisissez un autre moyen.
network-failed = Le serveur est injoignable. Vérifiez votre connexion et réessayez.

push-title = Approuvez sur votre téléphone
push-about = Ouvrez l’authentificateur et saisissez ces chiffres :
push-digits = Les chiffres sont { $digits }
push-never-share = Saisissez-les uniquement dans votre propre authentificateur. Personne ne vous les demandera jamais par téléphone, courriel ou messagerie.
push-scan = Scanner au lieu de saisir
push-scan-about = Dans l’authentificateur, choisissez « Scanner » et visez ce code.
push-scan-alt = Code QR contenant les mêmes chiffres, pour l’authentificateur
push-tap-about = Ouvrez l’authentificateur et répondez à la demande.
push-way = Demande sur { $device }
push-way-any = Demande sur votre authentificateur
push-way-detail = Six chiffres à saisir dans l’authentificateur
push-send = Envoyer une demande
push-best-title = Approuvez avec votre authentificateur
push-best-about = Une demande est envoyée sur { $device }. Vous y saisirez six chiffres affichés sur cette page.
push-best-about-any = Une demande est envoyée à votre authentificateur. Vous y saisirez six chiffres affichés sur cette page.
push-waiting = En attente de votre réponse

call-title = Nous vous appelons
call-about = Répondez à l’appel et tapez ces chiffres :
call-digits = Les chiffres sont { $digits }
call-plain = Répondez à l’appel et suivez les indications.
call-never-share = Tapez-les uniquement pendant l’appel que vous venez de demander.
call-way = Appel au { $device }
call-way-any = Appelez-moi
call-way-detail = Deux chiffres à taper pendant l’appel
call-best-title = Connectez-vous par appel téléphonique
call-best-about = Nous appelons le { $device }, et vous tapez deux chiffres affichés sur cette page.
call-best-about-any = Nous appelons votre téléphone, et vous tapez deux chiffres affichés sur cette page.
call-send = Appelez-moi
call-waiting = En attente de l’appel

time-left =
    { $count ->
        [one] { $count } seconde restante
       *[other] { $count } secondes restantes
    }
seconds-short = { $count } s
wait-before-next =
    { $count ->
        [one] Le prochain envoi sera possible dans { $count } seconde.
       *[other] Le prochain envoi sera possible dans { $count } secondes.
    }
time-over = Le temps est écoulé.
waiting-lost = La connexion est perdue ; nouvelle tentative…
allowed-going-on = C’est approuvé. Un instant…

passcode-title = Saisissez un code
password-title = Mot de passe
password-label = Mot de passe
password-about = Une seconde preuve vous sera demandée ensuite.
password-way = Mot de passe
password-way-detail = Puis une seconde preuve
password-empty = Saisissez le mot de passe.

passcode-about = Celui de votre authentificateur, de votre jeton matériel, ou un code qui vous a été remis.
passcode-label = Code
passcode-way = Code
passcode-way-detail = De l’authentificateur ou d’un jeton matériel
passcode-send = Se connecter
passcode-empty = Saisissez le code.

sms-title = Saisissez le code du message
sms-sent = Nous avons envoyé un code sur votre téléphone. Il est valable quelques minutes, dans ce navigateur uniquement.
sms-sent-stranger = Si le compte possède un téléphone, un code est en route. Il est valable quelques minutes, dans ce navigateur uniquement.
sms-label = Code du message
sms-way = SMS au { $device }
sms-way-any = SMS
sms-way-detail = Un code à saisir ici
sms-send = M’envoyer un code
sms-again = Envoyer un autre code
sms-best-title = Connectez-vous par SMS
sms-best-about = Nous envoyons un code au { $device }.
sms-best-about-any = Nous envoyons un code sur votre téléphone.
sms-never-share = Saisissez-le uniquement sur cette page, dont l’adresse se termine par le nom de votre organisation.

recovery-title = Utilisez un code de récupération
recovery-about = L’un des codes que vous avez conservés à la création de votre compte, ou un laissez-passer remis par votre administrateur. Il vous permet de configurer un nouveau moyen de connexion.
recovery-label = Code de récupération ou laissez-passer
recovery-way = Code de récupération
recovery-way-detail = Quand vous avez perdu tout le reste
recovery-send = Continuer

remember-title = Mémoriser ce navigateur ?
remember-about =
    { $count ->
        [one] Rien ne vous sera redemandé ici pendant { $count } jour. À éviter sur un ordinateur partagé.
       *[other] Rien ne vous sera redemandé ici pendant { $count } jours. À éviter sur un ordinateur partagé.
    }
remember-about-hours =
    { $count ->
        [one] Rien ne vous sera redemandé ici pendant { $count } heure. À éviter sur un ordinateur partagé.
       *[other] Rien ne vous sera redemandé ici pendant { $count } heures. À éviter sur un ordinateur partagé.
    }
remember-yes = Oui, c’est le mien
remember-no = Non, il est partagé

enroll-title = Configurez un moyen de connexion
enroll-about = Votre compte n’en a pas encore qui puisse servir ici. Cela prend environ une minute, sur cet appareil ou avec votre téléphone.
enroll-start = Configurer maintenant

denied-title = Connexion impossible
cancelled-title = Connexion annulée
back-to = Retour à { $app }
cancelled = Aucune connexion n’a eu lieu. Vous pouvez fermer cette page, ou revenir à l’application et recommencer.
nothing-title = Aucun moyen de connexion n’est possible ici
nothing-about = Aucun de vos moyens de connexion n’est admis pour cette application. Demandez de l’aide à votre administrateur.
hidden-passkey = Vous avez une clé d’accès ; les moyens plus faibles restent donc fermés : personne ne peut vous y entraîner.
hidden-new-browser = Les demandes sur votre téléphone ne partent que de navigateurs où vous vous êtes déjà connecté.
hidden-suspended = Les demandes sur votre téléphone sont suspendues, car trop d’entre elles n’ont pas été approuvées. Utilisez une clé d’accès, ou adressez-vous à votre administrateur.
hidden-passkey-only = Votre organisation n’accepte que les clés d’accès. Demandez à votre administrateur comment enregistrer la vôtre.
hidden-too-weak = Cette application demande une preuve plus forte. Utilisez une clé d’accès.

# Ce que dit le moteur.
said-unknown = Cela n’a pas fonctionné. Réessayez, ou choisissez un autre moyen.
said-wrong-password = Ce nom et ce mot de passe ne vont pas ensemble. Vérifiez-les et réessayez.
said-no-directory = Les mots de passe ne peuvent pas être vérifiés pour le moment. Réessayez plus tard.
said-wrong-passcode = Ce code n’est pas le bon. Vérifiez-le et réessayez.
said-wrong-passcode-locked = Ce code n’est pas le bon, et votre compte est désormais verrouillé. Demandez à votre administrateur de le déverrouiller.
said-used-passcode = Ce code a déjà servi. Attendez le suivant.
said-locked = Votre compte est verrouillé. Demandez à votre administrateur de le déverrouiller.
said-disabled = Votre compte est désactivé. Adressez-vous à votre administrateur.
said-not-permitted = Votre compte n’est pas admis pour cette application. Adressez-vous à votre administrateur.
said-nothing-left = Aucun des moyens de connexion de votre compte n’est utilisable actuellement. Connectez-vous aux pages de votre compte avec un code de récupération, ou adressez-vous à votre administrateur.
said-network = La connexion depuis votre réseau n’est pas autorisée.
said-too-many-messages = Trop de messages ont été envoyés à ce téléphone. Réessayez plus tard, ou choisissez un autre moyen.
said-message-failed = Le message n’a pas pu être envoyé. Choisissez un autre moyen.
said-prompts-suspended = Les demandes sur votre appareil sont suspendues. Choisissez un autre moyen, ou adressez-vous à votre administrateur.
said-prompt-open = Une demande attend déjà sur votre appareil. Si elle n’est pas de vous, signalez-la sur celui-ci.
said-prompts-close = Attendez une demi-minute avant la prochaine demande.
said-timed-out = Personne n’a répondu à temps. Réessayez, ou choisissez un autre moyen.
said-denied = La demande a été refusée sur votre appareil.
said-fraud = La demande a été signalée comme n’étant pas de vous. Si c’est bien vous qui vous connectez, adressez-vous à votre administrateur.
said-wrong-digits = Les chiffres saisis ne sont pas les bons. Réessayez.
said-no-key = Aucune touche n’a été pressée pendant l’appel. Réessayez.
said-undelivered = La demande n’a pas pu être remise. Choisissez un autre moyen.
said-used = Cette demande a déjà servi. Recommencez.
said-restarting = Le service redémarre. Réessayez.
said-canary = Cette page ne peut pas prouver qu’elle est la vraie ; aucun code n’y est donc accepté. Vérifiez l’adresse, ou utilisez une clé d’accès.
said-not-offered = Ce moyen n’est pas proposé ici. Choisissez-en un autre.
