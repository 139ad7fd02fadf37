package symbolon

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
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
	// signInRate is for passwords: what a person, or an office behind one address, types.
	signInRate, signInBurst = 5, 50
	// maxBuckets bounds the memory: past it the idle buckets are dropped, and an idle bucket is a full one. While none is idle, whoever is
	// new shares one bucket with all others who are.
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

// admitAddress is wire's hook: it counts a request against the address it comes from and against all, before anything costly is done
// for it.
func (l *limits) admitAddress(_ context.Context, c *wire.Call) error {
	if l == nil {
		return nil
	}
	if err := l.take(c, l.global); err != nil {
		return err
	}
	return l.take(c, l.bucket("address "+addressOf(c.Request), addressRate, addressBurst))
}

// pages counts a browser's requests, and above all the passwords it sends, against its address.
func (l *limits) pages(next http.Handler) http.Handler {
	if l == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, perSecond, burst := "address ", rate.Limit(addressRate), addressBurst
		if r.Method == http.MethodPost {
			kind, perSecond, burst = "sign-in ", signInRate, signInBurst
		}
		b := l.bucket(kind+addressOf(r), perSecond, burst)
		if !l.global.AllowN(l.now(), 1) || !b.AllowN(l.now(), 1) {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "Too many requests. Wait a moment and try again.", http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// addressOf is the client's address; of an IPv6 one the /64 that one subscriber has.
func addressOf(r *http.Request) string {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	ip := a.Addr().Unmap()
	if ip.Is4() {
		return ip.String()
	}
	subscriber, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return ip.String()
	}
	return subscriber.String()
}

func (l *limits) bucket(key string, perSecond rate.Limit, burst int) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.buckets[key]
	if !ok {
		if len(l.buckets) >= maxBuckets {
			l.dropIdle()
		}
		if len(l.buckets) >= maxBuckets {
			key = "everybody else at " + strconv.Itoa(burst)
			if shared, ok := l.buckets[key]; ok {
				return shared
			}
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
	if c.Service != nil && c.Service.SigningName == "sso-oauth" {
		e.Code, e.Fields = "SlowDownException", map[string]any{"error": "slow_down"}
	}
	return e
}
