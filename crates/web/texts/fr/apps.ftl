# Les applications que l’on peut ouvrir, et ce qu’elles peuvent savoir.

apps-title = Vos applications
apps-detail = Tout ce que cette connexion permet d’ouvrir
apps-search = Trouver une application
apps-none = Il n’y en a pas encore. Votre administrateur ajoute celles que vous pouvez ouvrir.
apps-not-found = Aucune application ne porte ce nom.
consent-title = Cette application peut-elle savoir qui vous êtes ?
consent-about = « { $app } » n’appartient pas à votre organisation. Elle apprend ce que vous autorisez ici, et rien d’autre.
consent-goes-to = Ce que vous autorisez est transmis à
consent-wishes = « { $app } » souhaite connaître
consent-scope-openid = qui vous êtes, par un numéro qui ne change pas
consent-scope-profile = votre nom
consent-scope-email = votre adresse électronique
consent-scope-phone = votre numéro de téléphone
consent-scope-address = votre adresse postale
consent-scope-groups = les groupes dont vous faites partie
consent-scope-offline_access = tout cela même en votre absence
consent-scope-other = ce qu’elle appelle « { $scope } »
consent-allow = Autoriser
consent-deny = Ne pas autoriser
consent-remembered = Votre réponse est retenue pour cette application. Vous pouvez la retirer sur la page de vos applications.
consent-policy = Sa politique de confidentialité
consent-terms = Ses conditions
apps-allowed = Ce que vous laissez savoir à d’autres
apps-allowed-about = Ces applications ne sont pas celles de votre organisation. Retirer votre accord met aussi fin à ce qu’elles peuvent faire en votre nom.
apps-withdraw = Retirer
