# A person's own pages, enrolment, and what undoes.

account-title = حسابك
account-about = ما تسجّل به الدخول، وأين أنت مسجّل.
signed-in-as = مسجّل باسم
sign-out = تسجيل الخروج
account-things = طرق تسجيل الدخول
account-nothing = لا توجد أي طريقة بعد.
account-wants-second = لديك طريقة واحدة فقط. أضف أخرى حتى لا تُحرم من الدخول إذا فقدتها.
account-changes = أُضيف حديثًا
account-changes-about = لم تُضف إحداها؟ استخدم الرابط في الإشعار الذي وصلك، أو بلّغ عنها أدناه.
account-more = المزيد
account-done-added = تمت الإضافة، وأبلغناك عبر جميع قنواتك.
account-done-removed = تمت الإزالة.
account-done-renamed = تمت إعادة التسمية.
account-done-reported = تم التبليغ. أُوقفت الطلبات إلى هاتفك وسُجّل خروجك من كل مكان آخر.
account-done-codes = أصبحت رموز الاسترداد جاهزة. القديمة لم تعد تعمل.
account-name-unusable = هذا الاسم غير صالح. استخدم 60 حرفًا عاديًا على الأكثر.
thing-passkey = مفتاح مرور على جهاز واحد
thing-passkey-synced = مفتاح مرور متزامن مع أجهزتك الأخرى
thing-authenticator = تطبيق المصادقة
thing-phone = هاتف
thing-token = جهاز رموز
thing-yubikey = YubiKey
thing-provider = حساب لدى مزوّد آخر
thing-suspended = موقوف: لا يمكن استخدامه. راجع المسؤول أو أزله.
last-used = آخر استخدام
added-on = أُضيف في
rename = إعادة تسمية
new-name = الاسم الجديد
save = حفظ
remove = إزالة
add-another = أضف طريقة لتسجيل الدخول
to-account = إلى حسابك
not-now = ليس الآن
add-title = أضف طريقة لتسجيل الدخول
add-about = مفتاح المرور هو الأكثر أمانًا والأسرع. وتطبيق المصادقة على هاتفك يعمل في كل مكان.
add-second = تم. أضف الآن طريقة ثانية حتى لا تُحرم من الدخول إذا فقدت الأولى.
add-with-pass = تصريح الدخول يسمح لك بتسجيل مفتاح مرور فقط.
add-after-recovery = سجّلت الدخول برمز استرداد. أضف الآن طريقة جديدة.
add-passkey-detail = بصمة أو وجه أو رقم سري أو مفتاح أمان
add-authenticator-way = تطبيق المصادقة
add-authenticator-detail = على هاتفك، بمسح رمز
add-authenticator-title = أضف تطبيق مصادقة
add-authenticator-about = أحضر هاتفك. ستعرض هذه الصفحة رمزًا يمسحه تطبيق المصادقة. يعمل الرمز مرة واحدة ولدقائق قليلة.
add-authenticator-show = اعرض الرمز
add-passkey-title = أضف مفتاح مرور
add-passkey-about = يطلب جهازك بصمتك أو وجهك أو رقمك السري. لا يخرج منه أي سر، ولا تستطيع صفحة مزيفة استخدامه.
confirm-first = أكّد أنك أنت
register-do = أنشئ مفتاح مرور
register-cancelled = أُلغي ذلك أو استغرق وقتًا طويلًا. لم يُضف شيء.
register-unsupported = لا يستطيع هذا المتصفح إنشاء مفاتيح مرور. استخدم إصدارًا حديثًا من Chrome أو Edge أو Firefox أو Safari، أو تطبيق المصادقة.
passkey-registered = لهذا الجهاز أو المفتاح مفتاح مرور لحسابك بالفعل.
passkey-not-made = تعذّر إنشاء مفتاح المرور. لم يُضف شيء؛ حاول مرة أخرى.
passkey-not-permitted = لا تقبل مؤسستك هذا النوع من مفاتيح المرور. استخدم جهازًا أو مفتاحًا آخر.
remove-title = إزالة طريقة الدخول هذه؟
remove-about = لن يمكن استخدام «{ $name }» بعد ذلك. وسيُسجّل خروجك من كل مكان آخر.
remove-surely = أزلها
remove-last-title = هذه هي الأخيرة
remove-last = من دونها لن تستطيع تسجيل الدخول. أضف طريقة أخرى أولًا، أو أنشئ رموز استرداد.
codes-title = رموز الاسترداد
codes-about = عشرة رموز ليوم تفقد فيه كل شيء آخر. يعمل كل منها مرة واحدة. إنشاء رموز جديدة يلغي القديمة.
codes-make = أنشئ عشرة رموز
codes-made-title = رموز الاسترداد الخاصة بك
codes-made-about = تُعرض الآن فقط. اطبعها أو اكتبها واحفظها مع أشيائك الثمينة، لا على هذا الحاسوب.
codes-kept = لقد حفظتها
sessions-title = أين أنت مسجّل
sessions-detail = المتصفحات وتسجيل الخروج منها
sessions-about = المتصفحات التي فُتحت فيها صفحاتك. إن لم تعرف أحدها فسجّل خروجه وبلّغ عنه.
sessions-this = هذا المتصفح
sessions-unknown = متصفح
sessions-since = منذ
sessions-end-others = سجّل الخروج من كل مكان آخر
strength-passkey = بمفتاح مرور
strength-push = بتطبيق المصادقة
strength-otp = برمز مرور
strength-sms = برسالة أو مكالمة
strength-bypass = برمز تجاوز
strength-enrollment = بعد التسجيل
strength-recovery = برمز استرداد
strength-access_pass = بتصريح دخول
open-authenticator = تطبيق المصادقة
open-authenticator-detail = استخدم هذا الجهاز للموافقة على تسجيل الدخول
report-title = لم أكن أنا
report-detail = بلّغ عن طلب لم تبدأه
report-about = تتوقف الطلبات إلى هاتفك فورًا، ولا يُتذكّر أي متصفح، ويُسجّل خروجك من كل مكان آخر، ويُبلّغ مسؤولو مؤسستك. إن كان أحد يعرف كلمة مرورك فغيّرها.
report-surely = بلّغ
undo-title = التراجع عن هذا؟
undo-about = أُضيف هذا إلى حسابك:
undo-until = يمكن التراجع حتى
undo-do = لم أكن أنا: تراجع
undo-report = بلّغ فقط
undo-what-happens = يزيل التراجع هذه الإضافة وكل ما أُضيف بعدها، ويسجّل خروجك من كل مكان.
undo-undone-title = تم التراجع
undo-undone = أُزيلت الإضافة، وسُجّل خروجك من كل مكان، وأُبلغ مسؤولو مؤسستك. إن كان أحد يعرف كلمة مرورك فغيّرها.
undo-reported-title = تم التبليغ
undo-reported = أُبلغ مسؤولو مؤسستك وأُوقفت الطلبات إلى هاتفك. ما أُضيف لا يزال موجودًا.
change-passkey = مفتاح مرور
change-authenticator = تطبيق مصادقة
change-recovery_codes = رموز استرداد
change-access_pass = تصريح دخول
change-token = رمز مميز من مسؤول
change-phone = هاتف من مسؤول
change-bypass_codes = رموز تجاوز من مسؤول
change-enrollment_link = رابط تسجيل من مسؤول
change-provider = تسجيل الدخول عبر مزوّد آخر
change-addition_request = مسؤول يطلب إضافة شيء
activate-title = جهّز طريقة دخولك
activate-about = يستغرق ذلك نحو دقيقة. يعمل هذا الرابط مرة واحدة.
activate-passkey = على هذا الجهاز: مفتاح مرور
activate-authenticator = على هاتفك: تطبيق المصادقة
activate-scan-about = امسح هذا بكاميرا هاتفك واتبع ما يعرضه. تتابع هذه الصفحة من تلقاء نفسها.
activate-qr-alt = رمز QR يحوي رابط إعداد تطبيق المصادقة
activate-here = اجعل هذا الجهاز تطبيق المصادقة
activate-ready = تطبيق المصادقة جاهز
activate-not-yet = لم يُستخدم الرمز بعد. امسحه أولًا.
activate-show-nobody = لا تُظهر هذه الصفحة لأحد: من يمسح الرمز يستطيع الدخول باسمك.
activate-step-open = وجّه كاميرا هاتفك إلى الرمز، أو افتح تطبيق المصادقة عليه واختر «مسح».
activate-step-scan = اتبع ما يعرضه الهاتف.
activate-step-done = عد إلى هنا عندما يقول إن الحساب أُضيف.
activate-by-link = لا يمكنك المسح؟
activate-by-link-about = افتح هذا الرابط على هاتفك:
codes-left =
    { $count ->
        [0] لا يوجد: أنشئ بعضها واحفظها
        [one] بقي { $count }
       *[other] بقي { $count }
    }

# كلمة المرور
own-password-title = كلمة المرور
own-password-detail = أول إثباتين في التطبيقات
own-password-about = عيّن كلمة مرور أخرى. ستُسجَّل خروجك من كل مكان آخر.
own-password-label = كلمة المرور الجديدة
own-password-hint =
    { $count ->
        [one] حرف واحد على الأقل.
       *[other] { $count } أحرف على الأقل. عدة كلمات يسهل حفظها ويصعب تخمينها.
    }
own-password-set = حفظ كلمة المرور
own-password-guessed =
    { $count ->
       *[other] كلمة المرور هذه من أول ما يُخمَّن. اختر غيرها.
    }
own-password-length =
    { $count ->
       *[other] كلمة المرور لا تقل عن { $count } أحرف ولا تزيد على 1024 بايت.
    }
account-done-password = تغيّرت كلمة مرورك.
change-password = كلمة المرور
