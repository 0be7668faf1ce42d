# The installable authenticator.

authenticator-title = Authenticator
authenticator-script = The authenticator needs JavaScript: the keys of your accounts are made and kept in this browser.

authenticator-locked = Locked
authenticator-locked-text = Use your passkey to see your accounts and requests.
authenticator-unlock = Unlock
authenticator-forget = I don’t have the passkey any more
authenticator-forget-text = Without the passkey, the accounts on this device can’t be opened. You can remove them all and add them again with new links. Your sign-ins elsewhere are not touched.
authenticator-forget-surely = Remove all accounts from this device

authenticator-empty = There is no account on this device yet. Add one with the link or the QR code from your organisation.
authenticator-unreachable = No connection. Passcodes still work; requests will appear when the connection is back.
authenticator-watching = Ready. Sign-in requests appear here.
authenticator-add = Add an account
authenticator-settings = Settings
authenticator-manage = Manage
authenticator-manage-account = Manage { $account }
authenticator-ended = Not active any more
authenticator-passcode-left = Time left for this passcode

authenticator-request = Are you signing in?
authenticator-digits = Six digits from your sign-in page
authenticator-digits-hint = Type only what you see on your own screen.
authenticator-approve = Approve
authenticator-scan-answer = Scan the code on the page instead
authenticator-warning = Nobody from IT will ever give you a number to type here. If somebody did, by phone or in a chat, choose “It wasn’t me”.
authenticator-deny = Deny
authenticator-fraud = It wasn’t me
authenticator-left = Waits { $seconds } more seconds
authenticator-approved = Approved. Go back to your sign-in.
authenticator-not-approved = Not approved: the digits were wrong, or it was too late. Start the sign-in again.
authenticator-denied = Denied.
authenticator-reported = Reported. Nobody was let in, and your organisation has been told. If somebody knows your password, change it.

authenticator-add-text = Open the link from your organisation, or scan its QR code. It can be used once.
authenticator-link = Link
authenticator-where = This account is at { $host }.
authenticator-device = Name of this device
authenticator-device-name = My phone
authenticator-add-now = Add this account
authenticator-scan-link = Scan a QR code
authenticator-added = Added: { $organisation }.

authenticator-account = Account
authenticator-rename = Rename
authenticator-renamed = Renamed.
authenticator-move = Move to a new phone
authenticator-move-text = On the new phone, open the authenticator and scan this code. When it is used, this phone stops working for the account. Show it to nobody else.
authenticator-move-picture = QR code for the new phone
authenticator-move-link = Or open this link there, within ten minutes:
authenticator-move-done = Done
authenticator-remove = Remove from this device
authenticator-remove-text = This device will not approve sign-ins for this account any more. Make sure that you have another way to sign in.
authenticator-remove-surely = Yes, remove it
authenticator-removed = Removed.
authenticator-ended-text = Your organisation doesn’t know this device any more: it was removed, or moved to another phone. You can remove the account here.

authenticator-push = Notifications
authenticator-push-text = A notification says only that there is something to look at. Without notifications, requests appear while the authenticator is open.
authenticator-push-on = Turn on notifications
authenticator-push-off = Turn off notifications
authenticator-push-is-on = Notifications are on.
authenticator-push-refused = The browser doesn’t allow notifications for this page. You can change that in its settings.
authenticator-push-failed = Notifications couldn’t be turned on for every account. Requests still appear while the authenticator is open.
authenticator-push-look = Is that you? Open to see.
authenticator-push-notice = Something about your account has changed. Open to see.

authenticator-lock = Lock
authenticator-lock-text = With a lock, the authenticator opens only with your passkey: your finger, your face or your PIN. That keeps out somebody who picks up your unlocked phone. If your passkey can encrypt, the keys of accounts that you add from then on are also encrypted on this device. A lock doesn’t help against a program that has taken over your browser.
authenticator-lock-own = Lock with a passkey that I have
authenticator-lock-new = Lock with a new passkey on this device
authenticator-lock-off = Turn off the lock
authenticator-lock-name = Authenticator lock
authenticator-lock-is-on = The lock is on. It hides the accounts; their keys are not encrypted by it.
authenticator-lock-seals = The lock is on. Accounts that you add from now on are encrypted.
authenticator-lock-is-off = The lock is off.

authenticator-scan = Scan

authenticator-fact-application = Application
authenticator-fact-organisation = Organisation
authenticator-fact-user = User
authenticator-fact-place = Place
authenticator-fact-address = Address
authenticator-fact-browser = Browser
authenticator-fact-system = System
authenticator-fact-machine = Machine
authenticator-fact-time = Time
authenticator-fact-host = Server
authenticator-fact-device = This device

authenticator-error-network = No connection to the server. Try again.
authenticator-error-clock = The clock of this device is wrong. Set it, then try again.
authenticator-error-limited = Too many attempts. Wait a while, then try again.
authenticator-error-ended = Your organisation doesn’t know this device any more.
authenticator-error-last = This is your only way to sign in. Add another first, or make recovery codes in your account.
authenticator-error-refused = The server refused. A link works once and for a limited time; ask for a new one.
authenticator-error-other = That didn’t work. Try again.
authenticator-error-digits = Type the six digits that your sign-in page shows.
authenticator-error-link = This is not an activation link. It looks like https://…/activate/….
authenticator-error-scan = That QR code belongs to something else.
authenticator-error-camera = The camera can’t be used. Allow it in the browser’s settings, or type instead.
