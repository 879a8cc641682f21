package main

import (
	"testing"
	"time"
)

func TestExtent(t *testing.T) {
	for _, tc := range []struct {
		done, total int64
		left        time.Duration
		want        string
	}{
		{0, 0, 0, ""},
		{0, 0, 90 * time.Minute, ", about 1h 30m left"},
		{0, 999, 0, ", 0 B of 999 B"},
		{1200, 12_345_678, 119 * time.Second, ", 1.2 kB of 12 MB, about 2m left"},
		{999_499, 999_600, 7 * time.Second, ", 999 kB of 1.0 MB, about 7s left"},
		{5_000_000_000, 123_000_000_000, 0, ", 5.0 GB of 123 GB"},
	} {
		if got := extent(tc.done, tc.total, tc.left); got != tc.want {
			t.Errorf("%d of %d, %v: %q, want %q", tc.done, tc.total, tc.left, got, tc.want)
		}
	}
}
