package syncer

import "context"

// SignIn connects and logs on, so that wrong credentials, another mailbox, or a server that is no
// mail server show at once. The session is kept for what follows.
func (s *Syncer) SignIn(ctx context.Context) error {
	s.signInAgain()
	_, err := s.connect(ctx)
	return err
}

// Folders downloads the folder tree and nothing else.
func (s *Syncer) Folders(ctx context.Context) error {
	if err := s.lockPass(ctx); err != nil {
		return err
	}
	defer s.unlockPass()
	return s.withLink(ctx, func(l *link) error { return s.syncHierarchy(ctx, l) })
}
