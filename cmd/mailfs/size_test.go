package main

import "testing"

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"": 0, "1": 1, "512": 512, "4k": 4096, "500M": 500 << 20, "2G": 2 << 30, "2GB": 2 << 30, "1T": 1 << 40} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"x", "G", "-1", "0", "1X", "2GG", "1.5G", "99999999T", "2 G"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q is %d", text, got)
		}
	}
}
