package main

import (
	"fmt"
	"strconv"
	"strings"
)

// parseSize reads a number of bytes such as 500M or 2G; 0 for an empty text.
func parseSize(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	digits := strings.TrimRight(strings.TrimSuffix(strings.ToUpper(text), "B"), "KMGT")
	unit := strings.TrimSuffix(strings.ToUpper(text[len(digits):]), "B")
	shift, ok := map[string]int{"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[unit]
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 1 || n > 1<<62>>shift {
		return 0, fmt.Errorf("size %q: want a number of bytes, such as 500M or 2G", text)
	}
	return n << shift, nil
}
