# L’authentificateur installable.

authenticator-title = Authentificateur
authenticator-script = L’authentificateur a besoin de JavaScript : les clés de vos comptes sont créées et conservées dans ce navigateur.

authenticator-locked = Verrouillé
authenticator-locked-text = Utilisez votre clé d’accès pour voir vos comptes et vos demandes.
authenticator-unlock = Déverrouiller
authenticator-forget = Je n’ai plus la clé d’accès
authenticator-forget-text = Sans la clé d’accès, les comptes de cet appareil ne peuvent pas être ouverts. Vous pouvez tous les retirer et les ajouter de nouveau avec de nouveaux liens. Vos autres connexions ne sont pas touchées.
authenticator-forget-surely = Retirer tous les comptes de cet appareil

authenticator-empty = Il n’y a pas encore de compte sur cet appareil. Ajoutez-en un avec le lien ou le code QR de votre organisation.
authenticator-unreachable = Pas de connexion. Les codes fonctionnent quand même ; les demandes apparaîtront au retour de la connexion.
authenticator-watching = Prêt. Les demandes de connexion apparaissent ici.
authenticator-add = Ajouter un compte
authenticator-settings = Réglages
authenticator-manage = Gérer
authenticator-manage-account = Gérer { $account }
authenticator-ended = N’est plus actif
authenticator-passcode-left = Temps restant pour ce code

authenticator-request = Êtes-vous en train de vous connecter ?
authenticator-digits = Les six chiffres de votre page de connexion
authenticator-digits-hint = Saisissez seulement ce que vous voyez sur votre propre écran.
authenticator-approve = Approuver
authenticator-scan-answer = Scanner plutôt le code de la page
authenticator-warning = Personne du service informatique ne vous donnera jamais un nombre à saisir ici. Si quelqu’un l’a fait, au téléphone ou dans une discussion, choisissez « Ce n’était pas moi ».
authenticator-deny = Refuser
authenticator-fraud = Ce n’était pas moi
authenticator-left = Attend encore { $seconds } secondes
authenticator-approved = Approuvé. Revenez à votre connexion.
authenticator-not-approved = Non approuvé : les chiffres étaient faux, ou il était trop tard. Recommencez la connexion.
authenticator-denied = Refusé.
authenticator-reported = Signalé. Personne n’est entré, et votre organisation est prévenue. Si quelqu’un connaît votre mot de passe, changez-le.

authenticator-add-text = Ouvrez le lien de votre organisation, ou scannez son code QR. Il ne sert qu’une fois.
authenticator-link = Lien
authenticator-where = Ce compte se trouve sur { $host }.
authenticator-device = Nom de cet appareil
authenticator-device-name = Mon téléphone
authenticator-add-now = Ajouter ce compte
authenticator-scan-link = Scanner un code QR
authenticator-added = Ajouté : { $organisation }.

authenticator-account = Compte
authenticator-rename = Renommer
authenticator-renamed = Renommé.
authenticator-move = Passer à un nouveau téléphone
authenticator-move-text = Sur le nouveau téléphone, ouvrez l’authentificateur et scannez ce code. Dès qu’il a servi, ce téléphone-ci ne fonctionne plus pour ce compte. Ne le montrez à personne d’autre.
authenticator-move-picture = Code QR pour le nouveau téléphone
authenticator-move-link = Ou ouvrez-y ce lien, dans les dix minutes :
authenticator-move-done = Terminé
authenticator-remove = Retirer de cet appareil
authenticator-remove-text = Cet appareil n’approuvera plus de connexions pour ce compte. Assurez-vous d’avoir un autre moyen de vous connecter.
authenticator-remove-surely = Oui, le retirer
authenticator-removed = Retiré.
authenticator-ended-text = Votre organisation ne connaît plus cet appareil : il a été retiré, ou remplacé par un autre téléphone. Vous pouvez retirer le compte ici.

authenticator-push = Notifications
authenticator-push-text = Une notification dit seulement qu’il y a quelque chose à voir. Sans notifications, les demandes apparaissent tant que l’authentificateur est ouvert.
authenticator-push-on = Activer les notifications
authenticator-push-off = Désactiver les notifications
authenticator-push-is-on = Les notifications sont activées.
authenticator-push-refused = Le navigateur n’autorise pas les notifications pour cette page. Vous pouvez le changer dans ses réglages.
authenticator-push-failed = Les notifications n’ont pas pu être activées pour tous les comptes. Les demandes apparaissent quand même tant que l’authentificateur est ouvert.
authenticator-push-look = Est-ce vous ? Ouvrez pour voir.
authenticator-push-notice = Quelque chose a changé dans votre compte. Ouvrez pour voir.

authenticator-lock = Verrou
authenticator-lock-text = Avec un verrou, l’authentificateur ne s’ouvre qu’avec votre clé d’accès : votre doigt, votre visage ou votre code. Il arrête la personne qui prend en main votre téléphone déverrouillé. Si votre clé d’accès sait chiffrer, les clés des comptes ajoutés ensuite sont aussi chiffrées sur cet appareil. Un verrou n’aide pas contre un programme qui a pris le contrôle de votre navigateur.
authenticator-lock-own = Verrouiller avec une clé d’accès que j’ai
authenticator-lock-new = Verrouiller avec une nouvelle clé d’accès sur cet appareil
authenticator-lock-off = Enlever le verrou
authenticator-lock-name = Verrou de l’authentificateur
authenticator-lock-is-on = Le verrou est mis. Il cache les comptes ; leurs clés ne sont pas chiffrées par lui.
authenticator-lock-seals = Le verrou est mis. Les comptes ajoutés à partir de maintenant sont chiffrés.
authenticator-lock-is-off = Le verrou est enlevé.

authenticator-scan = Scanner

authenticator-fact-application = Application
authenticator-fact-organisation = Organisation
authenticator-fact-user = Utilisateur
authenticator-fact-place = Lieu
authenticator-fact-address = Adresse
authenticator-fact-browser = Navigateur
authenticator-fact-system = Système
authenticator-fact-machine = Machine
authenticator-fact-time = Heure
authenticator-fact-host = Serveur
authenticator-fact-device = Cet appareil

authenticator-error-network = Pas de connexion au serveur. Réessayez.
authenticator-error-clock = L’horloge de cet appareil est fausse. Réglez-la, puis réessayez.
authenticator-error-limited = Trop d’essais. Attendez un peu, puis réessayez.
authenticator-error-ended = Votre organisation ne connaît plus cet appareil.
authenticator-error-last = C’est votre seul moyen de vous connecter. Ajoutez-en d’abord un autre, ou créez des codes de récupération dans votre compte.
authenticator-error-refused = Le serveur a refusé. Un lien sert une fois et pour un temps limité ; demandez-en un nouveau.
authenticator-error-other = Cela n’a pas marché. Réessayez.
authenticator-error-digits = Saisissez les six chiffres que montre votre page de connexion.
authenticator-error-link = Ce n’est pas un lien d’activation. Il ressemble à https://…/activate/….
authenticator-error-scan = Ce code QR appartient à autre chose.
authenticator-error-camera = La caméra ne peut pas être utilisée. Autorisez-la dans les réglages du navigateur, ou saisissez les chiffres.
