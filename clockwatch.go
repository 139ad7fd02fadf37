package symbolon

import (
	"context"
	"log/slog"
	"time"
)

const (
	clockEvery = 5 * time.Second
	// clockJump is by how much the wall clock may run apart from the monotonic one between two looks. A clock that is being slewed
	// stays far below it.
	clockJump = 2 * time.Second
)

// clockWatch notices when the wall clock jumps: tokens, signatures and expiry are judged by it. A machine that was suspended shows as a
// jump ahead.
type clockWatch struct {
	last    time.Time // with both clocks
	metrics *metrics
	log     *slog.Logger
}

// watchClock looks until ctx ends.
func (s *Server) watchClock(ctx context.Context) {
	w := &clockWatch{last: time.Now(), metrics: s.metrics, log: s.config.Log}
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			now := time.Now()
			w.look(now, now.Sub(w.last))
		}
	}
}

// look compares how far the wall clock has gone since the last look with the time that has passed.
func (w *clockWatch) look(now time.Time, passed time.Duration) {
	jump := now.Round(0).Sub(w.last.Round(0)) - passed
	w.last = now
	if jump.Abs() < clockJump {
		return
	}
	w.metrics.clockJumps.Inc()
	w.metrics.clockJump.Set(jump.Seconds())
	w.log.Error("the wall clock has jumped: tokens and signatures are judged by it", "by", jump.Truncate(time.Millisecond))
}
