# Between a sign-in and what comes after it.

moment-title = One moment
moment-about = We make sure that this is the browser in which you signed in.
moment-failed = This isn’t the browser in which you signed in, or it has forgotten its key.
moment-again = Sign in again
moment-script = Allow scripts for this page, then reload it: your sign-in is bound to this browser, and only a script can prove that.
unbound-title = This browser can’t be recognised
unbound-about = Your organisation takes sign-ins only from browsers that it can recognise again. Allow scripts and storage for this page, or leave the private window, and sign in again.
moment-onward = You go on by yourself in a moment.
sessions-bound = Serves this one browser only: a copy of its cookies opens nothing
sessions-unbound = Not tied to the browser: it keeps no key, or your organisation doesn’t ask for it
sessions-apps = Applications that were opened:
