//! The formats of gateways, one file each.

pub(crate) mod alb;
pub(crate) mod apisix;
pub(crate) mod azure;
pub(crate) mod caddy;
pub(crate) mod clb;
pub(crate) mod cloudflare;
pub(crate) mod cloudfront_json;
pub(crate) mod envoy;
pub(crate) mod envoy_json;
pub(crate) mod google;
pub(crate) mod haproxy;
pub(crate) mod haproxy_json;
pub(crate) mod kong;
pub(crate) mod nginx;
pub(crate) mod nginx_proxy_manager;
pub(crate) mod nlb;
pub(crate) mod s3;
pub(crate) mod squid;
pub(crate) mod traefik;
pub(crate) mod w3c;
