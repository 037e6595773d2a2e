//! The lists of paths and of IPs, as long as a list may be, with a link for each order.

use askama::Template;
use rollcall_tally::IpOrder;
use rollcall_tally::question::{self, LIMIT_MAX};
use rollcall_tally::report::{PathOrder, TopIps, TopPaths};

use crate::dashboard::link;
use crate::dashboard::parts::{self, Frame, IpRow, Link, PathRow};
use crate::dashboard::places;

#[derive(Template)]
#[template(path = "list.html")]
pub struct ListPage {
    frame: Frame,
    orders: Vec<Link>,
    paths: Vec<PathRow>,
    ips: Vec<IpRow>,
    /// The list has as many rows as a list may have. So there may be more.
    is_full: bool,
    /// Only of paths: the page that compares them with the operator's API.
    api_usage: Option<String>,
}

impl ListPage {
    pub fn of_paths(frame: Frame, list: &question::TopPaths, top: &TopPaths) -> Self {
        let text = |order| match order {
            PathOrder::Requests => t!("requests"),
            PathOrder::UniqueIps => t!("unique IPs"),
            PathOrder::AvgResponseTime => t!("average response time"),
            PathOrder::ErrorRate => t!("error rate"),
            PathOrder::P95ResponseTime => t!("p95 response time"),
        };
        let by = |order: PathOrder| Link {
            text: text(order),
            is_current: order == list.order,
            href: link::page(
                &question::TopPaths {
                    order,
                    ..list.clone()
                }
                .into(),
            ),
        };
        Self {
            orders: PathOrder::EVERY.map(by).into(),
            paths: parts::path_rows(&list.clone().into(), &top.paths),
            ips: Vec::new(),
            is_full: top.paths.len() == LIMIT_MAX as usize,
            api_usage: Some(link::page(&places::api_usage(list.scope.clone()))),
            frame,
        }
    }

    pub fn of_ips(frame: Frame, list: &question::TopIps, top: &TopIps) -> Self {
        let text = |order| match order {
            IpOrder::Requests => t!("requests"),
            IpOrder::UniquePaths => t!("unique paths"),
            IpOrder::ErrorRate => t!("error rate"),
            IpOrder::LastSeen => t!("last seen"),
        };
        let by = |order: IpOrder| Link {
            text: text(order),
            is_current: order == list.order,
            href: link::page(
                &question::TopIps {
                    order,
                    ..list.clone()
                }
                .into(),
            ),
        };
        Self {
            orders: IpOrder::EVERY.map(by).into(),
            paths: Vec::new(),
            ips: parts::ip_rows(&list.clone().into(), &top.ips),
            is_full: top.ips.len() == LIMIT_MAX as usize,
            api_usage: None,
            frame,
        }
    }
}
