# Ce qui figure sur chaque page, et ce qui est dit quand il n’y en a pas.

language-name = Français
language-direction = ltr

footer = Aide et langues
help = Aide
cancel = Annuler
back = Retour
continue = Continuer

trouble-unknown-host-title = Rien n’est proposé ici
trouble-unknown-host = Aucune organisation n’utilise cette adresse. Vérifiez-la, ou demandez à la personne qui vous l’a donnée.
trouble-not-found-title = Cette page n’existe pas
trouble-not-found = Vérifiez l’adresse, ou recommencez depuis l’application que vous voulez utiliser.
trouble-foreign-title = Cette demande ne vient pas de notre page
trouble-foreign = Pour vous protéger, rien n’a été fait. Revenez en arrière, rechargez la page et réessayez.
trouble-malformed-title = Cette demande est incompréhensible
trouble-malformed = Il manque quelque chose dans la demande, ou quelque chose n’est pas comme il faut. Revenez en arrière et réessayez.
trouble-too-large-title = C’est trop volumineux
trouble-too-large = Cette page n’accepte pas autant de données. Revenez en arrière et réessayez.
trouble-other-browser-title = Cette connexion appartient à un autre navigateur
trouble-other-browser = Une connexion ne peut être terminée que dans la fenêtre de navigateur où elle a commencé. Si quelqu’un vous a envoyé ce lien, fermez cette page : c’est peut-être une tentative d’accès à votre compte. Sinon, recommencez depuis l’application et vérifiez que les cookies sont autorisés.
trouble-expired-title = Cette connexion est terminée
trouble-expired = Elle est trop ancienne ou a déjà servi. Recommencez depuis l’application que vous voulez utiliser.
trouble-link-over-title = Ce lien n’est plus valable
trouble-link-over = Il a déjà servi, il est trop ancien ou incomplet. Demandez-en un nouveau à la personne qui vous l’a envoyé.
trouble-limited-title = Trop de tentatives
trouble-limited =
    { $count ->
        [one] Attendez { $count } seconde, puis réessayez.
       *[other] Attendez { $count } secondes, puis réessayez.
    }
trouble-refused-title = Ce n’est pas possible
trouble-refused = La demande a été refusée. Revenez en arrière et essayez autrement.
trouble-ours-title = Un problème est survenu de notre côté
trouble-ours = Rien n’est perdu. Attendez un instant et rechargez la page.
