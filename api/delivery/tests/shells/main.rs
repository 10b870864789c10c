//! Channels against real counterparts: an HTTP server, an SMTP server with TLS and login, processes that fork and hang,
//! sockets of all three kinds; and the dispatcher with several of them at once.
mod command;
mod dispatcher;
mod mail;
mod page;
mod settings;
mod support;
mod syslog;
mod webhook;
