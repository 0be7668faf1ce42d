//! Admin API: a tenant's scripts set up and read what the tenant has.
//!
//! Every handler is given a verified call of an integration of type `adminapi` that holds the route's grant. It reads its parameters,
//! parses every id to its kind, reads through the store's tenant scope and changes through the [`directory`], so another
//! tenant's object is a 40401 like one that never was. Every list is a page.

mod activation;
mod addition_requests;
mod applications;
mod bypass_codes;
mod desk;
mod enroll;
mod grants;
mod groups;
mod info;
mod integrations;
mod limits;
mod logs_messages;
mod logs_v1;
mod logs_v2;
mod message_rules;
mod objects;
mod phones;
mod policies;
mod policy_reports;
mod providers;
mod settings;
#[cfg(test)]
mod tests;
mod tokens;
mod user_links;
mod user_params;
mod users;
mod webauthn_credentials;

pub use desk::checks;

use crate::door::{Closed, Route, Surface, Verb};

/// One line of the table: method, path, grant, class of rate limit, handler.
macro_rules! routes {
    ($($verb:ident $path:literal $grant:ident $class:ident $handler:path;)*) => {
        pub(crate) static ROUTES: &[Route] = &[$(Route {
            method: Verb::$verb,
            path: $path,
            surface: Surface::Admin(grants::$grant),
            closed: Closed::Error,
            handler: |call| Box::pin(limits::within(call, limits::Class::$class, $handler)),
        }),*];
    };
}

routes! {
    Get    "/admin/v1/users"                              READ     Page   users::list;
    Post   "/admin/v1/users"                              WRITE    Modify users::create;
    Post   "/admin/v1/users/bulk_create"                  WRITE    Modify users::bulk_create;
    Post   "/admin/v1/users/bulk_restore"                 WRITE    Modify users::bulk_restore;
    Post   "/admin/v1/users/bulk_send_to_trash"           WRITE    Modify users::bulk_send_to_trash;
    Post   "/admin/v1/users/enroll"                       WRITE    Modify enroll::enroll;
    Get    "/admin/v1/users/{user}"                       READ     One    users::get;
    Post   "/admin/v1/users/{user}"                       WRITE    Modify users::modify;
    Delete "/admin/v1/users/{user}"                       WRITE    Modify users::delete;
    Get    "/admin/v1/users/{user}/groups"                READ     Page   user_links::groups;
    Post   "/admin/v1/users/{user}/groups"                WRITE    Modify user_links::add_group;
    Delete "/admin/v1/users/{user}/groups/{group}"        WRITE    Modify user_links::remove_group;
    Get    "/admin/v1/users/{user}/providers"             READ     One    providers::links;
    Post   "/admin/v1/users/{user}/providers"             WRITE    Modify providers::link;
    Delete "/admin/v1/users/{user}/providers/{provider}"  WRITE    Modify providers::unlink;
    Get    "/admin/v1/users/{user}/phones"                READ     Page   user_links::phones;
    Post   "/admin/v1/users/{user}/phones"                WRITE    Modify user_links::add_phone;
    Delete "/admin/v1/users/{user}/phones/{phone}"        WRITE    Modify user_links::remove_phone;
    Get    "/admin/v1/users/{user}/tokens"                READ     Page   user_links::tokens;
    Post   "/admin/v1/users/{user}/tokens"                WRITE    Modify user_links::add_token;
    Delete "/admin/v1/users/{user}/tokens/{token}"        WRITE    Modify user_links::remove_token;
    Get    "/admin/v1/users/{user}/webauthncredentials"   READ     Page   webauthn_credentials::of_user;
    Get    "/admin/v1/users/{user}/addition_request"       READ     One    addition_requests::get;
    Post   "/admin/v1/users/{user}/addition_request"       WRITE    Modify addition_requests::ask;
    Post   "/admin/v1/users/{user}/addition_request/allow" WRITE    Modify addition_requests::allow;
    Delete "/admin/v1/users/{user}/addition_request"       WRITE    Modify addition_requests::withdraw;
    Get    "/admin/v1/users/{user}/bypass_codes"          READ     Page   bypass_codes::of_user;
    Post   "/admin/v1/users/{user}/bypass_codes"          WRITE    Modify bypass_codes::create;

    Get    "/admin/v1/phones"                             READ     Page   phones::list;
    Post   "/admin/v1/phones"                             WRITE    Modify phones::create;
    Get    "/admin/v1/phones/{phone}"                     READ     One    phones::get;
    Post   "/admin/v1/phones/{phone}"                     WRITE    Modify phones::modify;
    Delete "/admin/v1/phones/{phone}"                     WRITE    Modify phones::delete;
    Post   "/admin/v1/phones/{phone}/activation_url"      WRITE    Modify activation::url;
    Post   "/admin/v1/phones/{phone}/send_sms_activation" WRITE    Modify activation::send;
    Post   "/admin/v1/phones/{phone}/send_sms_passcodes"  WRITE    Modify activation::send_passcodes;

    Get    "/admin/v1/tokens"                             READ     Page   tokens::list;
    Post   "/admin/v1/tokens"                             WRITE    Modify tokens::create;
    Get    "/admin/v1/tokens/{token}"                     READ     One    tokens::get;
    Post   "/admin/v1/tokens/{token}"                     WRITE    Modify tokens::modify;
    Delete "/admin/v1/tokens/{token}"                     WRITE    Modify tokens::delete;
    Post   "/admin/v1/tokens/{token}/resync"              WRITE    Modify tokens::resync;

    Get    "/admin/v1/groups"                             READ     Page   groups::list;
    Post   "/admin/v1/groups"                             WRITE    Modify groups::create;
    Get    "/admin/v1/groups/{group}"                     READ     One    groups::get_with_users;
    Post   "/admin/v1/groups/{group}"                     WRITE    Modify groups::modify;
    Delete "/admin/v1/groups/{group}"                     WRITE    Modify groups::delete;
    Get    "/admin/v2/groups"                             READ     Page   groups::list;
    Get    "/admin/v2/groups/{group}"                     READ     One    groups::get;
    Get    "/admin/v2/groups/{group}/users"               READ     Page   groups::users;

    Get    "/admin/v1/webauthncredentials"                READ     Page   webauthn_credentials::list;
    Get    "/admin/v1/webauthncredentials/{passkey}"      READ     One    webauthn_credentials::get;
    Delete "/admin/v1/webauthncredentials/{passkey}"      WRITE    Modify webauthn_credentials::delete;

    Get    "/admin/v1/bypass_codes"                       READ     Page   bypass_codes::list;
    Get    "/admin/v1/bypass_codes/{code}"                READ     One    bypass_codes::get;
    Delete "/admin/v1/bypass_codes/{code}"                WRITE    Modify bypass_codes::delete;

    Get    "/admin/v1/integrations"                       INTEGRATIONS Page   integrations::list;
    Post   "/admin/v1/integrations"                       INTEGRATIONS Modify integrations::create;
    Get    "/admin/v1/integrations/{ikey}"                INTEGRATIONS One    integrations::get;
    Post   "/admin/v1/integrations/{ikey}"                INTEGRATIONS Modify integrations::modify;
    Delete "/admin/v1/integrations/{ikey}"                INTEGRATIONS Modify integrations::delete;
    Get    "/admin/v1/integrations/{ikey}/skey"           INTEGRATIONS One    integrations::secret;
    Get    "/admin/v2/integrations"                       INTEGRATIONS Page   integrations::list;
    Post   "/admin/v2/integrations"                       INTEGRATIONS Modify integrations::create;
    Get    "/admin/v2/integrations/{ikey}"                INTEGRATIONS One    integrations::get;
    Post   "/admin/v2/integrations/{ikey}"                INTEGRATIONS Modify integrations::modify;
    Delete "/admin/v2/integrations/{ikey}"                INTEGRATIONS Modify integrations::delete;
    Get    "/admin/v3/integrations"                       INTEGRATIONS Page   integrations::list;
    Post   "/admin/v3/integrations"                       INTEGRATIONS Modify integrations::create;
    Get    "/admin/v3/integrations/{ikey}"                INTEGRATIONS One    integrations::get;
    Post   "/admin/v3/integrations/{ikey}"                INTEGRATIONS Modify integrations::modify;
    Delete "/admin/v3/integrations/{ikey}"                INTEGRATIONS Modify integrations::delete;

    Get    "/admin/v2/policies"                           INTEGRATIONS Page   policies::list;
    Post   "/admin/v2/policies"                           INTEGRATIONS Modify policies::create;
    Get    "/admin/v2/policies/calculate"                 INTEGRATIONS One    policy_reports::calculate;
    Post   "/admin/v2/policies/copy"                      INTEGRATIONS Modify policies::copy;
    Get    "/admin/v2/policies/global"                    INTEGRATIONS One    policies::global;
    Get    "/admin/v2/policies/summary"                   INTEGRATIONS Page   policy_reports::summary;
    Put    "/admin/v2/policies/update"                    INTEGRATIONS Modify policies::update;
    Get    "/admin/v2/policies/{policy}"                  INTEGRATIONS One    policies::get;
    Put    "/admin/v2/policies/{policy}"                  INTEGRATIONS Modify policies::modify;
    Delete "/admin/v2/policies/{policy}"                  INTEGRATIONS Modify policies::delete;

    Get    "/admin/v1/applications"                       INTEGRATIONS Page   applications::list;
    Post   "/admin/v1/applications"                       INTEGRATIONS Modify applications::create;
    Get    "/admin/v1/applications/presets"               INTEGRATIONS One    applications::presets;
    Get    "/admin/v1/applications/{application}"         INTEGRATIONS One    applications::get;
    Post   "/admin/v1/applications/{application}"         INTEGRATIONS Modify applications::modify;
    Delete "/admin/v1/applications/{application}"         INTEGRATIONS Modify applications::delete;
    Post   "/admin/v1/applications/{application}/revoke"  INTEGRATIONS Modify applications::revoke;

    Get    "/admin/v1/providers"                          INTEGRATIONS Page   providers::list;
    Post   "/admin/v1/providers"                          INTEGRATIONS Modify providers::create;
    Get    "/admin/v1/providers/{provider}"               INTEGRATIONS One    providers::get;
    Post   "/admin/v1/providers/{provider}"               INTEGRATIONS Modify providers::modify;
    Delete "/admin/v1/providers/{provider}"               INTEGRATIONS Modify providers::delete;

    Get    "/admin/v1/settings"                           SETTINGS One    settings::get;
    Post   "/admin/v1/settings"                           SETTINGS Modify settings::modify;

    Get    "/admin/v1/info/summary"                       INFO     One    info::summary;
    Get    "/admin/v1/info/authentication_attempts"       INFO     One    info::authentication_attempts;
    Get    "/admin/v1/info/user_authentication_attempts"  INFO     One    info::user_authentication_attempts;
    Get    "/admin/v1/info/telephony_credits_used"        INFO     One    info::telephony_credits_used;

    Get    "/admin/v1/logs/authentication"                LOG      Log    logs_v1::authentication;
    Get    "/admin/v1/logs/administrator"                 LOG      Log    logs_v1::administrator;
    Get    "/admin/v1/logs/telephony"                     LOG      Log    logs_v1::telephony;
    Get    "/admin/v1/logs/messages"                      LOG      Log    logs_messages::messages;
    Get    "/admin/v1/messages/opt_outs"                  READ     One    message_rules::opt_outs;
    Post   "/admin/v1/messages/opt_outs"                  WRITE    Modify message_rules::set_opt_out;
    Get    "/admin/v1/messages/blocks"                    READ     One    message_rules::blocks;
    Get    "/admin/v2/logs/authentication"                LOG      Log    logs_v2::authentication;
    Get    "/admin/v2/logs/activity"                      LOG      Log    logs_v2::activity;
    Get    "/admin/v2/logs/telephony"                     LOG      Log    logs_v2::telephony;
}
