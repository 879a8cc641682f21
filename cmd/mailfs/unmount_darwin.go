package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// mountedByUs can't tell here.
func mountedByUs(string) bool { return false }

// unmountDead removes a mount whose process is gone.
func unmountDead(ctx context.Context, mountpoint string) error {
	out, err := exec.CommandContext(ctx, "umount", mountpoint).CombinedOutput()
	if err != nil {
		return fmt.Errorf("umount: %s: %w", strings.TrimSpace(string(out)), err)
	}
	return nil
}
