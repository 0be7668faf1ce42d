//! Makes here what is there, and remembers under which id.

use std::collections::HashMap;

use super::{
    objects::{Group, Integration, Phone, Policy, SecretKey, Token, User},
    report::{Kind, Report},
    source::Source,
};
use crate::admin::office::{Office, every};
use directory::{
    DirectoryError, FieldKind, INTEGRATION_FIELDS, IntegrationFields, IntegrationKeys, NewGroup, NewIntegration,
    NewPhone, NewUser, Scope, Status, UserAccess,
};
use serde_json::{Map, Value};
use store::{Addition, PhoneRow, UserRow};
use types::{E164, GroupId, Normalization, PhoneId, PolicyId, UserName};

/// The id here of something that has an id there; none in a dry run, where nothing is made.
type Known<T> = HashMap<String, Option<T>>;

/// An import under way.
pub(super) struct Importer<'a> {
    office: &'a Office<'a>,
    source: &'a Source,
    dry: bool,
    report: Report,
    groups: Known<GroupId>,
    phones: Known<PhoneId>,
    policies: Known<PolicyId>,
    /// The telephones that were here before, by the last digits of their number, and their extension. The numbers themselves stay sealed:
    /// those that end alike are compared.
    here: HashMap<(String, String), Vec<PhoneRow>>,
    /// What was added to accounts whose owners must hear of it.
    added: Vec<Addition>,
}

/// A refusal of one thing; what is wrong with the database ends the import.
fn refusal(error: DirectoryError) -> anyhow::Result<String> {
    match error {
        DirectoryError::Store(error) => Err(error.into()),
        refused => Ok(refused.to_string()),
    }
}

impl<'a> Importer<'a> {
    pub(super) fn new(office: &'a Office<'a>, source: &'a Source, dry: bool) -> Self {
        Self {
            office,
            source,
            dry,
            report: Report::default(),
            groups: Known::new(),
            phones: Known::new(),
            policies: Known::new(),
            here: HashMap::new(),
            added: Vec::new(),
        }
    }

    /// What was added to accounts whose owners must hear of it, also when the import broke off.
    pub(super) fn take_added(&mut self) -> Vec<Addition> {
        std::mem::take(&mut self.added)
    }

    /// Brings everything over, in an order in which each finds what it hangs on.
    pub(super) async fn run(&mut self) -> anyhow::Result<Report> {
        let (source, office) = (self.source, self.office);
        let (scope, rows) = (office.scope(), office.scope().rows());
        let mut here: HashMap<(String, String), Vec<PhoneRow>> = HashMap::new();
        every(
            async |slice| rows.phones(slice).await,
            async |phone: PhoneRow| {
                if let Some(tail) = scope.phone_tail(&phone).await? {
                    here.entry((tail, phone.extension.clone())).or_default().push(phone);
                }
                Ok(())
            },
        )
        .await?;
        self.here = here;
        source.every("/admin/v1/groups", async |group| self.group(group).await).await?;
        source.every("/admin/v1/users", async |user| self.user(user).await).await?;
        // Those that nobody has.
        source.every("/admin/v1/phones", async |phone| self.phone(phone, None).await).await?;
        source.every("/admin/v1/tokens", async |token| self.token(token, None).await).await?;
        self.bring_policies().await?;
        source.every("/admin/v3/integrations", async |integration| self.integration(integration).await).await?;
        Ok(std::mem::take(&mut self.report))
    }

    fn scope(&self) -> Scope<'a> {
        self.office.scope()
    }

    async fn group(&mut self, group: Group) -> anyhow::Result<()> {
        let there = self.scope().rows().group_by_name(group.name.trim()).await?;
        if let Some(there) = there {
            self.report.there(Kind::Groups);
            self.groups.insert(group.group_id, Some(there.id));
            return Ok(());
        }
        let status: Status = group.status.parse().unwrap_or_default();
        let new = NewGroup { name: group.name.clone(), description: group.desc, status };
        let made = if self.dry { Ok(None) } else { self.scope().create_group(&new).await.map(|row| Some(row.id)) };
        match made {
            Ok(id) => {
                self.report.made(Kind::Groups);
                if status != Status::Active {
                    self.report.attention(format!("group {} is {}, as it was", group.name, status.as_str()));
                }
                self.groups.insert(group.group_id, id);
            }
            Err(error) => self.report.failed(format!("group {}: {}", group.name, refusal(error)?)),
        }
        Ok(())
    }

    async fn user(&mut self, user: User) -> anyhow::Result<()> {
        let Ok(name) = UserName::new(&user.username, Normalization::None) else {
            self.report.failed(format!("user {}: the name can't be used here", user.user_id));
            return Ok(());
        };
        let row = match self.scope().rows().user_by_name(&name).await? {
            Some(row) => {
                self.report.there(Kind::Users);
                Some(row)
            }
            None => match self.make_user(&user).await? {
                Some(row) => row,
                None => return Ok(()),
            },
        };
        if let Some(row) = &row {
            let member = self.scope().rows().groups_of_users(&[row.id]).await?;
            for group in &user.groups {
                let Some(Some(group)) = self.groups.get(&group.group_id).copied() else { continue };
                if !member.iter().any(|(_, there)| there.id == group) {
                    self.scope().add_to_group(row.id, group).await?;
                }
            }
        }
        for phone in user.phones {
            self.phone(phone, Some((&user.username, row.as_ref()))).await?;
        }
        for token in user.tokens {
            self.token(token, Some((&user.username, row.as_ref()))).await?;
        }
        Ok(())
    }

    /// The user's row, or that one would be made; nothing if it was refused.
    async fn make_user(&mut self, user: &User) -> anyhow::Result<Option<Option<UserRow>>> {
        let new = NewUser {
            username: user.username.clone(),
            aliases: user.all_aliases(),
            realname: user.realname.clone(),
            firstname: user.firstname.clone(),
            lastname: user.lastname.clone(),
            email: user.email.clone(),
            notes: user.notes.clone(),
            status: user.status.parse().unwrap_or_default(),
            attributes: Map::new(),
        };
        if new.status == Status::Bypass {
            self.report.attention(format!("user {} is let in without a second factor, as it was", user.username));
        }
        if self.dry {
            self.report.made(Kind::Users);
            return Ok(Some(None));
        }
        let scope = self.scope();
        let row = match scope.create_user(&new).await {
            Ok(row) => row,
            Err(error) => {
                self.report.failed(format!("user {}: {}", user.username, refusal(error)?));
                return Ok(None);
            }
        };
        match user.status.as_str() {
            "locked out" => drop(scope.lock_user(row.id).await?),
            "pending deletion" => drop(scope.trash_user(row.id).await?),
            _ => {}
        }
        self.report.made(Kind::Users);
        Ok(Some(Some(row)))
    }

    /// A telephone, and its owner's name and row.
    async fn phone(&mut self, phone: Phone, owner: Option<(&str, Option<&UserRow>)>) -> anyhow::Result<()> {
        let whose = owner.map_or_else(|| "nobody".to_owned(), |(name, _)| name.to_owned());
        let user = owner.and_then(|(_, row)| row);
        let known = self.phones.get(&phone.phone_id).copied();
        let id = match known {
            Some(known) => known,
            None => match self.make_phone(&phone, &whose, user).await? {
                Some(made) => made,
                None => return Ok(()),
            },
        };
        self.phones.insert(phone.phone_id, id);
        if let (Some(user), Some(id)) = (user, id) {
            let has = self.scope().rows().phones_of_users(&[user.id]).await?;
            if !has.iter().any(|(_, there)| there.id == id) {
                match self.scope().attach_phone(user.id, id).await {
                    Ok(added) => self.added.extend(added),
                    Err(error) => self.report.failed(format!("a phone of {whose}: {}", refusal(error)?)),
                }
            }
        }
        Ok(())
    }

    /// The telephone here that has this number.
    async fn there(&self, number: &E164, extension: &str) -> anyhow::Result<Option<PhoneId>> {
        let alike = self.here.get(&(E164::masked(number.tail()), extension.to_owned()));
        for phone in alike.into_iter().flatten() {
            if self.scope().rows().has_number(phone, number).await? {
                return Ok(Some(phone.id));
            }
        }
        Ok(None)
    }

    /// The id of a telephone that is here or was made, or that one would be made; nothing if it was refused.
    async fn make_phone(
        &mut self,
        phone: &Phone,
        whose: &str,
        user: Option<&UserRow>,
    ) -> anyhow::Result<Option<Option<PhoneId>>> {
        let number = match phone.number.trim() {
            "" => None,
            text => match text.parse::<E164>() {
                Ok(number) => Some(number),
                Err(why) => {
                    self.report.failed(format!("a phone of {whose}: {why}"));
                    return Ok(None);
                }
            },
        };
        let new = NewPhone {
            number: number.clone(),
            extension: phone.extension.clone(),
            name: phone.name.clone(),
            r#type: phone.r#type.clone(),
            platform: phone.platform.clone(),
            model: phone.model.clone(),
            predelay: phone.predelay,
            postdelay: phone.postdelay,
        };
        let there = match (&number, user) {
            (Some(number), _) => self.there(number, &phone.extension).await?,
            // A tablet has nothing that names it but what it is and whose.
            (None, Some(user)) => {
                let same = |row: &PhoneRow| {
                    row.number.is_none() && row.name == phone.name && row.platform == phone.platform.to_lowercase()
                };
                let has = self.scope().rows().phones_of_users(&[user.id]).await?;
                has.into_iter().map(|(_, row)| row).find(same).map(|row| row.id)
            }
            (None, None) => None,
        };
        if let Some(there) = there {
            self.report.there(Kind::Phones);
            return Ok(Some(Some(there)));
        }
        if number.is_none() && user.is_none() && !self.dry {
            self.report.attention("a tablet that nobody has was left behind".to_owned());
            return Ok(None);
        }
        if phone.activated {
            let which = number.as_ref().map_or_else(|| "tablet".to_owned(), |number| E164::masked(number.tail()));
            self.report.attention(format!("{which} of {whose} must be activated again to receive prompts"));
        }
        if self.dry {
            self.report.made(Kind::Phones);
            return Ok(Some(None));
        }
        match self.scope().create_phone(&new).await {
            Ok(row) => {
                self.report.made(Kind::Phones);
                if let Some(number) = number {
                    let tail = E164::masked(number.tail());
                    self.here.entry((tail, phone.extension.clone())).or_default().push(row.clone());
                }
                Ok(Some(Some(row.id)))
            }
            Err(error) => {
                self.report.failed(format!("a phone of {whose}: {}", refusal(error)?));
                Ok(None)
            }
        }
    }

    /// A token: if somebody has added it here from the maker's file, its owner gets it; its seed can't be read there.
    async fn token(&mut self, token: Token, owner: Option<(&str, Option<&UserRow>)>) -> anyhow::Result<()> {
        let there = self.scope().rows().token_by_serial(&token.r#type, &token.serial).await?;
        match (there, owner) {
            (Some(there), Some((whose, Some(user)))) => {
                self.report.there(Kind::Tokens);
                let has = self.scope().rows().tokens_of_users(&[user.id]).await?;
                if !self.dry && !has.iter().any(|(_, token)| token.id == there.id) {
                    match self.scope().attach_token(user.id, there.id).await {
                        Ok(added) => self.added.extend(added),
                        Err(error) => self.report.failed(format!("a token of {whose}: {}", refusal(error)?)),
                    }
                }
            }
            (None, Some((whose, _))) => self.report.cannot(format!(
                "the seed of token {} {} of {whose}: add it by \"countersign admin token add --type {} --serial {} --user {whose} \
                 --secret-file …\", then run this again",
                token.r#type, token.serial, token.r#type, token.serial
            )),
            // The list of all tokens has those of users once more.
            (_, _) => {}
        }
        Ok(())
    }

    /// Policies are read where the key may; integrations name them.
    async fn bring_policies(&mut self) -> anyhow::Result<()> {
        let mut found: Vec<Policy> = Vec::new();
        let source = self.source;
        let all = source.every("/admin/v2/policies", async |policy| {
            found.push(policy);
            Ok(())
        });
        if let Err(error) = all.await {
            self.report.attention(format!("policies could not be read, set them by hand ({error})"));
            return Ok(());
        }
        let mut here = HashMap::new();
        let rows = self.scope().rows();
        let each = async |row: store::PolicyRow| {
            here.insert((row.name, row.is_global), (row.id, row.sections == "{}"));
            Ok(())
        };
        every(async |slice| rows.policies(slice).await, each).await?;
        for policy in found {
            let there = if policy.is_global_policy {
                here.iter().find(|((_, global), _)| *global).map(|(_, there)| *there)
            } else {
                here.get(&(policy.policy_name.clone(), false)).copied()
            };
            let done = match there {
                // A global policy that says nothing is the one that the tenant was made with.
                Some((id, true)) if policy.is_global_policy && !policy.sections.is_empty() => {
                    if self.dry {
                        Ok(Some(id))
                    } else {
                        self.scope().change_policy(id, None, Some(&policy.sections)).await.map(|()| Some(id))
                    }
                }
                Some((id, _)) => {
                    self.report.there(Kind::Policies);
                    self.policies.insert(policy.policy_key, Some(id));
                    continue;
                }
                None if self.dry => Ok(None),
                None => {
                    let made = self.scope().create_policy(&policy.policy_name, &policy.sections).await;
                    made.map(|row| Some(row.id))
                }
            };
            match done {
                Ok(id) => {
                    self.report.made(Kind::Policies);
                    self.policies.insert(policy.policy_key, id);
                }
                Err(error) => self.report.failed(format!("policy {}: {}", policy.policy_name, refusal(error)?)),
            }
        }
        Ok(())
    }

    async fn integration(&mut self, object: Value) -> anyhow::Result<()> {
        let fields = fields(&object)?;
        let integration: Integration = serde_json::from_value(object)?;
        let (ikey, name) = (&integration.integration_key, &integration.name);
        // A Countersign's own pages: this one has its own, and nobody is told their secret.
        if integration.r#type == "portal" {
            return Ok(());
        }
        if self.scope().rows().integration(ikey).await?.is_some() {
            self.report.there(Kind::Integrations);
            return Ok(());
        }
        let secret: SecretKey = match self.source.one(&format!("/admin/v1/integrations/{ikey}/skey")).await {
            Ok(secret) => secret,
            Err(error) => {
                self.report.failed(format!("integration {name} ({ikey}): its secret key could not be read ({error})"));
                return Ok(());
            }
        };
        let keys = match IntegrationKeys::parse(ikey, &secret.take()) {
            Ok(keys) => keys,
            Err(error) => {
                self.report.failed(format!("integration {name} ({ikey}): {}", refusal(error)?));
                return Ok(());
            }
        };
        let mut groups = Vec::new();
        for group in &integration.groups_allowed {
            match self.groups.get(group) {
                Some(id) => groups.extend(*id),
                None => self.report.attention(format!("integration {name}: a permitted group wasn't brought over")),
            }
        }
        let access = match integration.user_access.parse() {
            Ok(access) => access,
            Err(_) if integration.groups_allowed.is_empty() => UserAccess::AllUsers,
            Err(_) => UserAccess::PermittedGroups,
        };
        let policy = match self.policies.get(&integration.policy_key) {
            Some(policy) => *policy,
            None => {
                if !integration.policy_key.is_empty() {
                    self.report
                        .attention(format!("integration {name}: its policy wasn't brought over, set it by hand"));
                }
                None
            }
        };
        if !integration.networks_for_api_access.is_empty() {
            self.report
                .attention(format!("integration {name}: the networks that may use its key are not restricted here"));
        }
        let none = integration.username_normalization_policy.eq_ignore_ascii_case("none");
        let new = NewIntegration {
            name: name.clone(),
            r#type: integration.r#type.clone(),
            keys: Some(keys),
            signature_v1: None,
            normalization: if none { Normalization::None } else { Normalization::Simple },
            access,
            groups,
            policy,
            fields,
        };
        let made = if self.dry { Ok(()) } else { self.scope().create_integration(&new).await.map(drop) };
        match made {
            Ok(()) => self.report.made(Kind::Integrations),
            Err(error) => self.report.failed(format!("integration {name} ({ikey}): {}", refusal(error)?)),
        }
        Ok(())
    }
}

/// The fields of an integration that are kept here; one of another kind than here is left out.
fn fields(object: &Value) -> anyhow::Result<IntegrationFields> {
    let mut fields = IntegrationFields::default();
    for (name, kind) in INTEGRATION_FIELDS {
        let Some(given) = object.get(*name) else { continue };
        let value = match (kind, given) {
            (FieldKind::Flag, Value::Number(number)) => Value::Bool(number.as_i64() == Some(1)),
            (_, Value::Null) => continue,
            (_, given) => given.clone(),
        };
        match fields.set(name, &value) {
            Ok(()) | Err(DirectoryError::Invalid(_) | DirectoryError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(fields)
}
