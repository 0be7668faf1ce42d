# The applications that somebody may open, and what they may know.

apps-title = Your applications
apps-detail = Everything that you can open with this sign-in
apps-search = Find an application
apps-none = There is none yet. Your administrator adds those that you may open.
apps-not-found = No application has that in its name.
consent-title = May this application know who you are?
consent-about = “{ $app }” isn’t your organisation’s own. It learns what you allow here, and nothing else.
consent-goes-to = What you allow goes to
consent-wishes = “{ $app }” wants to know
consent-scope-openid = who you are, by a number that stays the same
consent-scope-profile = your name
consent-scope-email = your mail address
consent-scope-phone = your telephone number
consent-scope-address = your postal address
consent-scope-groups = the groups that you are in
consent-scope-offline_access = all of it also when you aren’t there
consent-scope-other = what it calls “{ $scope }”
consent-allow = Allow
consent-deny = Don’t allow
consent-remembered = Your answer is remembered for this application. You can take it back on the page of your applications.
consent-policy = Its privacy policy
consent-terms = Its terms
apps-allowed = What you let others know
apps-allowed-about = These applications are not your organisation’s own. Taking your leave back also ends what they can do in your name.
apps-withdraw = Take back
