package fs

import (
	"strconv"

	"mailfs/replica"
)

// statfsBlock is the unit of statfs.
const statfsBlock = 4096

// localRoom is what is free in a full mailbox, as far as the disk has it: lock, swap and temporary files never go to
// the server, and programs look whether there is room for them.
const localRoom = 16 << 20

type space struct{ blocks, free, files, filesFree uint64 }

// statfs tells the mailbox's quota and use where the server has one, else the figures of the replica's disk. Never
// 0 free while the disk has room, since local writes succeed then.
func (t *tree) statfs() (space, error) {
	s, err := diskSpace(t.opt.DiskDir)
	if err != nil {
		return s, err
	}
	var limit, used uint64
	err = t.r.View(func(v *replica.View) (err error) {
		if limit, err = number(v, replica.SettingQuotaLimit); err != nil {
			return err
		}
		used, err = number(v, replica.SettingQuotaUsed)
		return err
	})
	if err != nil || limit == 0 {
		return s, err
	}
	free := uint64(0)
	if used < limit {
		free = (limit - used) / statfsBlock
	}
	s.free = min(max(free, localRoom/statfsBlock), s.free)
	s.blocks = used/statfsBlock + s.free
	return s, nil
}

func number(v *replica.View, key string) (uint64, error) {
	p, err := v.Setting(key)
	if err != nil || p == nil {
		return 0, err
	}
	n, err := strconv.ParseUint(string(p), 10, 64)
	if err != nil {
		return 0, nil // not one of ours
	}
	return n, nil
}
