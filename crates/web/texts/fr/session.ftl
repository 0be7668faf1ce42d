# Entre une connexion et la suite.

moment-title = Un instant
moment-about = Nous vérifions que c’est bien le navigateur dans lequel vous vous êtes connecté.
moment-failed = Ce n’est pas le navigateur dans lequel vous vous êtes connecté, ou il a oublié sa clé.
moment-again = Se reconnecter
moment-script = Autorisez les scripts sur cette page, puis rechargez-la : votre connexion est liée à ce navigateur, et seul un script peut le prouver.
unbound-title = Ce navigateur ne peut pas être reconnu
unbound-about = Votre organisation n’accepte que les connexions de navigateurs qu’elle peut reconnaître. Autorisez les scripts et le stockage sur cette page, ou quittez la fenêtre privée, puis reconnectez-vous.
moment-onward = La suite s’ouvre d’elle-même dans un instant.
sessions-bound = Ne sert qu’à ce navigateur : une copie de ses cookies n’ouvre rien
sessions-unbound = Pas liée au navigateur : il ne garde pas de clé, ou votre organisation ne le demande pas
sessions-apps = Applications ouvertes :
