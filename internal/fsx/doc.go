// Package fsx drives a directory of a mount and a plain directory of the same machine with the same random system
// calls, and compares what each call returns: data, sizes, names, and whether it succeeds. What a mount does otherwise on
// purpose is in one table (differences_linux.go). A run is made from a seed, and the same seed makes the same calls.
//
// It is for tests only.
package fsx
