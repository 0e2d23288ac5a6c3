//! The system's limits on watching, by the names under which they can be raised.

/// A limit that is reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the system's limit on {what} is reached ({name}{})", .value.map(|value| format!(" = {value}")).unwrap_or_default())]
pub struct Limit {
    /// What is limited.
    pub what: &'static str,
    /// The setting, as `sysctl` knows it.
    pub name: &'static str,
    /// Its value, where it can be read.
    pub value: Option<u64>,
}

impl Limit {
    /// Watched folders.
    pub fn watches() -> Self {
        read("watched folders", "fs.inotify.max_user_watches")
    }

    /// Programs that watch.
    pub fn instances() -> Self {
        read("programs that watch", "fs.inotify.max_user_instances")
    }

    /// The command that raises it.
    pub fn remedy(&self) -> String {
        let wanted = self.value.map_or(524_288, |value| value.saturating_mul(4));
        format!("sudo sysctl {}={wanted}", self.name)
    }
}

/// The limits of this system; none where it has no such settings.
pub fn limits() -> Vec<Limit> {
    [Limit::watches(), Limit::instances()]
        .into_iter()
        .filter(|limit| limit.value.is_some())
        .collect()
}

fn read(what: &'static str, name: &'static str) -> Limit {
    let file = format!("/proc/sys/{}", name.replace('.', "/"));
    let value = std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok());
    Limit { what, name, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_names_the_setting_and_how_to_raise_it() {
        let limit = Limit { what: "watched folders", name: "fs.x.max", value: Some(8192) };
        assert_eq!(
            limit.to_string(),
            "the system's limit on watched folders is reached (fs.x.max = 8192)"
        );
        assert_eq!(limit.remedy(), "sudo sysctl fs.x.max=32768");
        let unknown = Limit { value: None, ..limit };
        assert!(unknown.to_string().ends_with("(fs.x.max)"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_its_limits() {
        assert_eq!(limits().len(), 2);
    }
}
