//! What this process takes of the machine.

/// Memory that this process has in RAM, bytes; `None` where the system does not tell.
///
/// Source: `VmRSS` of `/proc/self/status`, proc_pid_status(5).
pub fn resident_memory() -> Option<u64> {
    resident(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kibibytes_are_read_and_anything_else_is_unknown() {
        assert_eq!(
            resident("VmHWM:\t     900 kB\nVmRSS:\t     820 kB\nRssAnon: 1 kB"),
            Some(820 * 1024)
        );
        for odd in [
            "",
            "VmRSS: 820",
            "VmRSS: much kB",
            "VmRSS: 99999999999999999999 kB",
        ] {
            assert_eq!(resident(odd), None, "{odd}");
        }
        if cfg!(target_os = "linux") {
            assert!(resident_memory().unwrap() > 1 << 20);
        }
    }
}
