package syncer

import "time"

const (
	pollDefault = time.Minute
	pollLongest = 15 * time.Minute
)

// pollAlone is the time between passes where nothing notifies: what the server wants, which is also the least that it
// tolerates ([MS-OXCNOTIF] 3.2.4.5). own is what the configuration wants; 0 stands for no wish.
func pollAlone(own, server time.Duration) time.Duration {
	server = min(server, pollLongest)
	switch {
	case own > 0:
		return max(own, server)
	case server > 0:
		return server
	}
	return pollDefault
}
