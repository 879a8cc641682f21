package syncer_test

import (
	"strconv"
	"testing"

	"mailfs/replica"
)

// TestQuota: the figures that statfs shows come with a pass, follow the server, and cost no request.
func TestQuota(t *testing.T) {
	w := newMemWorld(t)
	w.deliver("one", "body")
	c := w.client(t)
	figures := func() (limit, used int64) {
		t.Helper()
		c.view(func(v *replica.View) error {
			for key, n := range map[string]*int64{replica.SettingQuotaLimit: &limit, replica.SettingQuotaUsed: &used} {
				b, err := v.Setting(key)
				if err != nil {
					return err
				}
				*n, _ = strconv.ParseInt(string(b), 10, 64)
			}
			return nil
		})
		return limit, used
	}
	c.pass()
	limit, before := figures()
	if limit != 0 || before == 0 {
		t.Errorf("without a quota: %d, %d used", limit, before)
	}
	w.box.SetQuota(2 << 30)
	w.deliver("two", "body")
	requests := w.costOf(c.pass).requests
	limit, used := figures()
	if limit != 2<<30 || used <= before {
		t.Errorf("limit %d, %d used after %d", limit, used, before)
	}
	w.box.SetQuota(0)
	w.deliver("three", "body")
	if again := w.costOf(c.pass).requests; again != requests {
		t.Errorf("%d requests, and %d", requests, again)
	}
	if limit, _ := figures(); limit != 0 {
		t.Errorf("the quota is gone, and %d is told", limit)
	}
}
