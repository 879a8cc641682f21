package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"

	"mailfs/fs"
)

// The helper that makes inotify events of what others change is this program again. It ends with its mount.

const replayEnv = "MAILFS_REPLAYS"

// replayHelper returns the command of the helper, nil where there is no inotify.
func replayHelper() func() *exec.Cmd {
	if runtime.GOOS != "linux" {
		return nil
	}
	return func() *exec.Cmd {
		cmd := exec.Command("/proc/self/exe") // the same program, also when another one has its path by now
		cmd.Args = []string{os.Args[0], "(inotify events)"}
		cmd.Env = append(os.Environ(), replayEnv+"=1")
		return cmd
	}
}

func runReplays(std streams) int {
	if err := fs.ServeReplays(std.in, std.out); err != nil {
		fmt.Fprintln(std.err, err)
		return exitFailed
	}
	return 0
}
