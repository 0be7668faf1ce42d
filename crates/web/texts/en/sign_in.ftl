# The sign-in prompt.

sign-in-title = Sign in
sign-in-to = to continue to { $app }
sign-in-own = to manage how you sign in
step-up-title = Confirm that it’s you
step-up-why = A fresh sign-in is needed before anything is changed.
signing-in-as = Signing in as
not-you = Not you?
other-ways = Other ways to sign in
try-again = Try again
or = or

name-title = Sign in
name-label = User name
name-unusable = That can’t be a user name. Check it and try again.

passkey-title = Sign in with your passkey
passkey-about = Your device asks for your fingerprint, face or PIN. Nothing secret leaves it.
passkey-use = Use a passkey
passkey-way = Passkey
passkey-way-detail = Fingerprint, face, PIN or security key
passkey-needs-script = Passkeys need JavaScript, which this browser has switched off. Allow it for this page, or choose another way.
passkey-waiting = Follow what your browser or device shows.
passkey-checking = Checking…
passkey-cancelled = That was cancelled or took too long. Try again, or choose another way.
passkey-unsupported = This browser can’t use passkeys. Use a current version of Chrome, Edge, Firefox or Safari, or choose another way.
passkey-wrong-address = Passkeys don’t work at this address. Check that the address is your organisation’s own; if it is, tell your administrator.
passkey-unknown = This passkey isn’t registered here, or was removed. Choose another one, or another way.
passkey-refused = The passkey wasn’t accepted. Try again, or choose another way.
passkey-failed = Your device couldn’t use the passkey. Try again, or choose another way.
network-failed = The server couldn’t be reached. Check your connection and try again.

push-title = Approve on your phone
push-about = Open the authenticator and type these digits:
push-digits = The digits are { $digits }
push-never-share = Type them only into your own authenticator. Nobody will ever ask you for them by phone, mail or chat.
push-scan = Scan instead of typing
push-scan-about = In the authenticator, choose “Scan” and point the camera here.
push-scan-alt = QR code with the same digits, for the authenticator
push-tap-about = Open the authenticator and answer the request.
push-way = Request on { $device }
push-way-any = Request on your authenticator
push-way-detail = Type six digits into the authenticator
push-send = Send a request
push-best-title = Approve with your authenticator
push-best-about = A request is sent to { $device }. You will type six digits there that this page shows.
push-best-about-any = A request is sent to your authenticator. You will type six digits there that this page shows.
push-waiting = Waiting for your answer

call-title = We are calling you
call-about = Answer the call and press these digits:
call-digits = The digits are { $digits }
call-plain = Answer the call and do as you are told.
call-never-share = Press them only in the call that you have just asked for.
call-way = Call { $device }
call-way-any = Call me
call-way-detail = Press two digits during the call
call-best-title = Sign in by phone call
call-best-about = We call { $device }, and you press two digits that this page shows.
call-best-about-any = We call your phone, and you press two digits that this page shows.
call-send = Call me
call-waiting = Waiting for the call

time-left =
    { $count ->
        [one] { $count } second left
       *[other] { $count } seconds left
    }
seconds-short = { $count } s
wait-before-next =
    { $count ->
        [one] The next one can be sent in { $count } second.
       *[other] The next one can be sent in { $count } seconds.
    }
time-over = The time is over.
waiting-lost = The connection was lost; trying again…
allowed-going-on = Approved. One moment…

passcode-title = Type a passcode
password-title = Password
password-label = Password
password-about = You confirm the sign-in with a second proof after this.
password-way = Password
password-way-detail = Then a second proof
password-empty = Type the password.

passcode-about = From your authenticator, hardware token or the codes that you were given.
passcode-label = Passcode
passcode-way = Passcode
passcode-way-detail = From the authenticator or a hardware token
passcode-send = Sign in
passcode-empty = Type the passcode.

sms-title = Type the code from the message
sms-sent = We have sent a code to your phone. It is good for a few minutes, in this browser only.
sms-sent-stranger = If the account has a phone, a code is on its way. It is good for a few minutes, in this browser only.
sms-label = Code from the message
sms-way = Text message to { $device }
sms-way-any = Text message
sms-way-detail = A code that you type here
sms-send = Send me a code
sms-again = Send another code
sms-best-title = Sign in with a text message
sms-best-about = We send a code to { $device }.
sms-best-about-any = We send a code to your phone.
sms-never-share = Type it only on this page, whose address ends in your organisation’s name.

recovery-title = Use a recovery code
recovery-about = One of the codes that you kept when you set up your account, or an access pass from your administrator. It lets you set up a new way to sign in.
recovery-label = Recovery code or access pass
recovery-way = Recovery code
recovery-way-detail = When you have lost everything else
recovery-send = Continue

remember-title = Remember this browser?
remember-about =
    { $count ->
        [one] You won’t be asked again here for { $count } day. Don’t do this on a computer that others use.
       *[other] You won’t be asked again here for { $count } days. Don’t do this on a computer that others use.
    }
remember-about-hours =
    { $count ->
        [one] You won’t be asked again here for { $count } hour. Don’t do this on a computer that others use.
       *[other] You won’t be asked again here for { $count } hours. Don’t do this on a computer that others use.
    }
remember-yes = Yes, it’s mine
remember-no = No, others use it

enroll-title = Set up a way to sign in
enroll-about = Your account has none yet that can be used here. It takes about a minute, on this device or with your phone.
enroll-start = Set up now

denied-title = You can’t sign in
cancelled-title = Sign-in cancelled
back-to = Back to { $app }
cancelled = Nothing was signed in. You can close this page, or go back to the application and start again.
nothing-title = There is no way to sign in here
nothing-about = None of your ways to sign in may be used for this application. Ask your administrator for help.
hidden-passkey = You have a passkey, so weaker ways stay shut: nobody can talk you into them.
hidden-new-browser = Requests to your phone are only sent from browsers in which you have signed in before.
hidden-suspended = Requests to your phone are stopped for now, because too many weren’t approved. Sign in with a passkey, or ask your administrator.
hidden-passkey-only = Your organisation accepts only passkeys. Ask your administrator how to register yours.
hidden-too-weak = This application asks for a stronger proof than the one you chose. Use a passkey.

# What the engine says.
said-unknown = That didn’t work. Try again, or choose another way.
said-wrong-password = That name and password don’t match. Check them and try again.
said-no-directory = Passwords can’t be checked at the moment. Try again later.
said-wrong-passcode = That passcode isn’t right. Check it and try again.
said-wrong-passcode-locked = That passcode isn’t right, and your account is now locked. Ask your administrator to unlock it.
said-used-passcode = That passcode was already used. Wait for the next one.
said-locked = Your account is locked. Ask your administrator to unlock it.
said-disabled = Your account is disabled. Ask your administrator.
said-not-permitted = Your account may not be used for this application. Ask your administrator.
said-nothing-left = Nothing that your account signs in with can be used now. Sign in to your account’s own pages with a recovery code, or ask your administrator.
said-network = Signing in from your network isn’t permitted.
said-too-many-messages = Too many messages were sent to this phone. Try again later, or choose another way.
said-message-failed = The message couldn’t be sent. Choose another way.
said-prompts-suspended = Requests to your device are suspended. Choose another way, or ask your administrator.
said-prompt-open = A request is already waiting on your device. If it isn’t yours, report it there.
said-prompts-close = Wait half a minute before the next request.
said-timed-out = Nobody answered in time. Try again, or choose another way.
said-denied = The request was denied on your device.
said-fraud = The request was reported as not yours. If you are the one signing in, ask your administrator.
said-wrong-digits = The digits that were typed aren’t right. Try again.
said-no-key = No key was pressed in the call. Try again.
said-undelivered = The request couldn’t be delivered. Choose another way.
said-used = This request was already used. Start again.
said-restarting = The service is restarting. Try again.
said-canary = This page can’t show that it is the real one, so codes aren’t accepted here. Check the address, or use a passkey.
said-not-offered = That way isn’t offered here. Choose another one.
