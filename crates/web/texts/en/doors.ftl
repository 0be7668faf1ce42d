# What the doors of single sign-on show themselves: requests that can't be taken, signing out, devices without a browser.

door-refused-title = Sign-in not possible
door-refused = The application sent you here with a request that can’t be accepted. Go back to it and start again. If that doesn’t help, tell its administrator:
door-failed-title = Something failed on our side
door-failed = Nobody was signed in. Wait a moment and try again.
carry-title = Back to the application
carry-about = This goes on by itself. If it doesn’t, use the button.

sign-out-title = Sign out?
sign-out-asks = “{ $app }” asks to sign you out.
sign-out-about = Signing out ends your session here and at every application that you opened from it.
sign-out-stay = Stay signed in
signing-out-title = Signing you out
signing-out = The applications that you opened are told one after the other.
signed-out-title = Signed out
signed-out = You are signed out.
signed-out-missed = These applications could not be told, or didn’t sign you out. Close the browser, or sign out there yourself:
open-title = Open an application
open-about = Perhaps another site sent you here. Do you want to open “{ $app }”?
open-do = Open “{ $app }”

device-title = Connect a device
device-code = Code
device-enter = Enter the code that your device shows.
device-wrong = This code is not one that a device waits with. Codes are valid for ten minutes.
device-warning = Did somebody send you this code? Then close this page: whoever has the device would be signed in as you.
device-confirm-title = Connect this device?
device-asks = A device asks to use “{ $app }” as you.
device-about = About the device
device-minutes =
    { $count ->
        [0] It asked less than a minute ago.
        [one] It asked a minute ago.
       *[other] It asked { $count } minutes ago.
    }
device-from = It asked from the address { $address }.
device-from-nowhere = It is not known from where it asked.
device-agent = It calls itself “{ $name }”.
device-nameless = It doesn’t say what it is.
device-question = Does a device in front of you show this code right now?
device-deny = No, refuse it
device-allow = Yes, connect this device
device-told = If somebody sent you the code, or asked you on the telephone to enter it, refuse: they would be signed in as you.
device-connected-title = The device is connected
device-connected = You can close this page and go on at the device.
device-refused-title = The device was refused
device-refused = You can close this page.
device-nothing-title = Nothing was connected
device-over = The code is over. Begin again at the device.
device-gone = This is over, or it was begun in another browser. Enter the code again.
device-not-signed-in = You did not sign in.
