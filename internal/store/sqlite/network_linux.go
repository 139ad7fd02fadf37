package sqlite

import (
	"fmt"
	"syscall"
)

// networkFileSystems are the magic numbers of statfs(2) under which neither locks nor flushes can be relied on.
var networkFileSystems = map[uint32]string{
	0x6969:     "NFS",
	0x517B:     "SMB",
	0xFF534D42: "CIFS",
	0xFE534D42: "SMB2",
	0x564C:     "NCP",
	0x5346414F: "AFS",
	0x6B414653: "kAFS",
	0x73757245: "Coda",
	0x01021997: "9P",
	0x00C36400: "Ceph",
	0x47504653: "GPFS",
	0x0BD00BD0: "Lustre",
	0x7461636F: "OCFS2",
	0x01161970: "GFS2",
	0x19830326: "BeeGFS",
}

func refuseNetwork(dir string) error {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return fmt.Errorf("sqlite: %s: %w", dir, err)
	}
	if name, ok := networkFileSystems[uint32(s.Type)]; ok {
		return fmt.Errorf("sqlite: %s is on a network file system (%s), where SQLite may lose data: use a local disk or PostgreSQL", dir, name)
	}
	return nil
}
