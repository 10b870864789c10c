//! What can be recognised on a device, so that nobody formats what somebody else uses.

/// What these first bytes of a device or region are, where they are known; the first 128 KiB tell.
pub(super) fn recognise(bytes: &[u8]) -> Option<String> {
    let known = SIGNS.iter().find(|(at, sign, _)| bytes.get(*at..at + sign.len()) == Some(*sign));
    known.map(|(.., what)| (*what).to_owned())
}

const SIGNS: &[(usize, &[u8], &str)] = &[
    (0, b"LBVOLUME", "a metadata volume"),
    // Behind its checksum.
    (4, b"LIFEBOAT", "a statefile"),
    (0x438, &[0x53, 0xEF], "an ext2, ext3 or ext4 filesystem"),
    (0, b"XFSB", "an XFS filesystem"),
    (0x10040, b"_BHRfS_M", "a Btrfs filesystem"),
    (0, &[0x01, 0x16, 0x19, 0x70], "a GFS2 filesystem"),
    (0x10000, &[0x01, 0x16, 0x19, 0x70], "a GFS2 filesystem"),
    (0x2000, b"OCFSV2", "an OCFS2 filesystem"),
    (0x400, &[0x10, 0x20, 0xF5, 0xF2], "an F2FS filesystem"),
    (0, b"hsqs", "a SquashFS filesystem"),
    (0x200, b"LABELONE", "an LVM physical volume"),
    (0, b"LUKS\xBA\xBE", "a LUKS volume"),
    (0x1000, &[0xFC, 0x4E, 0x2B, 0xA9], "a member of a software RAID"),
    (0, &[0xFC, 0x4E, 0x2B, 0xA9], "a member of a software RAID"),
    (0xFF6, b"SWAPSPACE2", "swap space"),
    (0x200, b"EFI PART", "a GPT partition table"),
    (0, b"redb\x1A\x0A\xA9\x0D\x0A", "an embedded store"),
    (0, b"QFI\xFB", "a qcow2 image"),
    (0, &[0x10, 0x29, 0x01, 0x06], "a sanlock lockspace"),
    (0, b"SBD_SBD_", "an SBD device"),
    (0x8001, b"CD001", "an ISO 9660 filesystem"),
    (0x1FE, &[0x55, 0xAA], "a partition table or boot sector"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_recognised_and_emptiness_is_nothing() {
        assert_eq!(recognise(&vec![0; 0x20000]), None);
        for (at, sign, what) in SIGNS {
            let mut bytes = vec![0; 0x20000];
            bytes[*at..at + sign.len()].copy_from_slice(sign);
            assert_eq!(recognise(&bytes).as_deref(), Some(*what));
        }
    }
}
