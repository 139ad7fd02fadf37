package symbolon

import (
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/wire"
)

// The rates of `limits: on`, in requests per second with their bursts: per caller (far above AWS's own published limits), and
// per address and for all together as a guard against floods. Refused requests count too.
const (
	callerRate, callerBurst   = 500, 1000
	addressRate, addressBurst = 1000, 2000
	globalRate, globalBurst   = 10000, 20000
	// maxBuckets bounds the memory: past it the idle buckets are dropped, and an idle bucket is a full one.
	maxBuckets = 20000
)

// limits keeps a token bucket per caller and per address. A nil *limits admits everything.
type limits struct {
	now     func() time.Time
	global  *rate.Limiter
	mu      sync.Mutex
	buckets map[string]*rate.Limiter
}

func newLimits(now func() time.Time) *limits {
	return &limits{now: now, global: rate.NewLimiter(globalRate, globalBurst), buckets: map[string]*rate.Limiter{}}
}

// admit counts an authenticated request against its caller.
func (l *limits) admit(c *wire.Call) error {
	if l == nil {
		return nil
	}
	caller, ok := c.Caller.(*iam.Caller)
	if !ok {
		return nil
	}
	// The account is part of the key: names repeat across accounts.
	return l.take(c, l.bucket("caller "+caller.AccountID+" "+caller.ARN, callerRate, callerBurst))
}

// admitAddress counts a request against the address it comes from and against all, before anything costly is done for it.
func (l *limits) admitAddress(c *wire.Call) error {
	if l == nil {
		return nil
	}
	if err := l.take(c, l.global); err != nil {
		return err
	}
	return l.take(c, l.bucket("address "+addressOf(c.Request), addressRate, addressBurst))
}

func addressOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (l *limits) bucket(key string, perSecond rate.Limit, burst int) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.buckets[key]
	if !ok {
		if len(l.buckets) >= maxBuckets {
			l.dropIdle()
		}
		b = rate.NewLimiter(perSecond, burst)
		l.buckets[key] = b
	}
	return b
}

func (l *limits) dropIdle() {
	now := l.now()
	for key, b := range l.buckets {
		if b.TokensAt(now) >= float64(b.Burst()) {
			delete(l.buckets, key)
		}
	}
}

func (l *limits) take(c *wire.Call, b *rate.Limiter) error {
	if b.AllowN(l.now(), 1) {
		return nil
	}
	e := &wire.Error{
		Code: "ThrottlingException", Status: http.StatusBadRequest, Message: "Rate exceeded", Reason: "rate limit",
		RetryAfter: time.Second,
	}
	if c.Service.SigningName == "sso-oauth" {
		e.Code, e.Fields = "SlowDownException", map[string]any{"error": "slow_down"}
	}
	return e
}
