# التطبيقات التي يمكن فتحها، وما يجوز لها أن تعرفه.

apps-title = تطبيقاتك
apps-detail = كل ما يمكنك فتحه بتسجيل الدخول هذا
apps-search = ابحث عن تطبيق
apps-none = لا يوجد شيء بعد. يضيف المسؤول التطبيقات التي يجوز لك فتحها.
apps-not-found = لا يوجد تطبيق بهذا الاسم.
consent-title = هل يجوز لهذا التطبيق أن يعرف من أنت؟
consent-about = «{ $app }» ليس تابعًا لمؤسستك. لن يعرف إلا ما تسمح به هنا.
consent-goes-to = ما تسمح به يُرسل إلى
consent-wishes = يريد «{ $app }» أن يعرف
consent-scope-openid = من أنت، برقم لا يتغير
consent-scope-profile = اسمك
consent-scope-email = بريدك الإلكتروني
consent-scope-phone = رقم هاتفك
consent-scope-address = عنوانك البريدي
consent-scope-groups = المجموعات التي تنتمي إليها
consent-scope-offline_access = كل ذلك في غيابك أيضًا
consent-scope-other = ما يسميه «{ $scope }»
consent-allow = السماح
consent-deny = عدم السماح
consent-remembered = يُحفظ جوابك لهذا التطبيق، ويمكنك سحبه من صفحة تطبيقاتك.
consent-policy = سياسة الخصوصية الخاصة به
consent-terms = شروطه
apps-allowed = ما تسمح للآخرين بمعرفته
apps-allowed-about = هذه التطبيقات ليست تابعة لمؤسستك. وسحب موافقتك ينهي أيضًا ما يمكنها فعله باسمك.
apps-withdraw = سحب الموافقة
