# What stands on every page, and what is said when there is none.

language-name = English
language-direction = ltr

footer = Help and languages
help = Help
cancel = Cancel
back = Back
continue = Continue

trouble-unknown-host-title = Nothing is served here
trouble-unknown-host = No organisation uses this address. Check the address, or ask whoever gave it to you.
trouble-not-found-title = This page doesn’t exist
trouble-not-found = Check the address, or start again from the application that you want to use.
trouble-foreign-title = This request didn’t come from our page
trouble-foreign = To protect you, nothing was done. Go back, reload the page and try again.
trouble-malformed-title = That can’t be understood
trouble-malformed = Something in the request is missing or not as it should be. Go back and try again.
trouble-too-large-title = That is too large
trouble-too-large = More was sent than this page takes. Go back and try again.
trouble-other-browser-title = This sign-in belongs to another browser
trouble-other-browser = A sign-in can only be finished in the browser window where it began. If somebody sent you this link, close this page: it may be an attempt to get into your account. Otherwise start again from the application, and see that cookies are allowed.
trouble-expired-title = This sign-in is over
trouble-expired = It is too old or was already used. Start again from the application that you want to use.
trouble-link-over-title = This link is over
trouble-link-over = It was already used or is too old, or part of it is missing. Ask whoever sent it to you for a new one.
trouble-limited-title = Too many attempts
trouble-limited =
    { $count ->
        [one] Wait a second, then try again.
       *[other] Wait { $count } seconds, then try again.
    }
trouble-refused-title = That isn’t possible
trouble-refused = The request was refused. Go back and try another way.
trouble-ours-title = Something failed on our side
trouble-ours = Nothing was lost. Wait a moment and reload the page.
