// Package sim plays random histories of one mailbox from a seed: several clients, each with a real file system tree,
// replica and engine, and other people who act on the server, with a network that breaks and clients that die. Nothing
// runs by itself: there is one goroutine, time stands still until a step moves it, and what happens in the middle of a
// pass of synchronization (a save, a delivery, a cut, a crash) is planned with the pass. So the same steps take the
// same course every time.
//
// Plan makes the steps of a seed. Run plays them, brings everything to rest, and returns what is wrong: a body that
// was saved and is nowhere, a replica that differs from the server, a message that is there twice or that came back.
// Shrink drops steps that a failure does not need.
//
// With History.Mounts, the same steps go through a kernel: programs are a process of their own that uses a real mount. The
// kernel does much in its own time, so such a history takes no course twice.
//
// Beside the main goroutine there is at most that of a download on demand, while the main one waits for it.
package sim
