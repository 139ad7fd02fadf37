package symbolon

import (
	"cmp"
	"context"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/symbolon/symbolon/internal/iam"
	"github.com/symbolon/symbolon/internal/wire"
)

// The rates of `limits: on` where no setting says otherwise, in requests per second. Those of callers and applications are far above
// AWS's own published limits; those of addresses and of all together guard against floods.
const (
	defaultCallerLimit      = 500
	defaultApplicationLimit = 1000
	defaultAddressLimit     = 1000
	defaultGlobalLimit      = 10000
	// defaultSignInLimit is for passwords: what a person, or an office behind one address, types.
	defaultSignInLimit = 5
)

// How much of a rate may come at once: two seconds' worth of requests, ten of passwords, which people type in the same minute.
const (
	burstSeconds       = 2
	signInBurstSeconds = 10
)

const (
	// maxLimit is the highest rate that can be set, in requests per second.
	maxLimit = 1000000
	// maxBuckets bounds the memory: past it the idle buckets are dropped, and an idle bucket is a full one. While none is idle, whoever is
	// new shares one bucket with all others who are.
	maxBuckets = 20000
)

// limit is one kind of limit: what each of those it counts apart may have.
type limit struct {
	name    string
	rate    rate.Limit
	burst   int
	refused atomic.Uint64
}

func newLimit(name string, setting, perSecond, seconds int) *limit {
	n := cmp.Or(setting, perSecond)
	return &limit{name: name, rate: rate.Limit(n), burst: n * seconds}
}

// limits keeps a token bucket for each caller, application and address, on this node alone. Refused requests count too. A nil *limits
// admits everything.
type limits struct {
	now                                          func() time.Time
	caller, application, address, signIn, global *limit

	all     *rate.Limiter // of global
	mu      sync.Mutex
	buckets map[bucketKey]*rate.Limiter
	dropped time.Time // when dropIdle last looked
}

// bucketKey is who is counted, and by which limit.
type bucketKey struct {
	limit *limit
	who   string
	owner string // the account where names repeat across accounts
}

func newLimits(c Config, now func() time.Time) *limits {
	l := &limits{
		now: now, buckets: map[bucketKey]*rate.Limiter{},
		caller:      newLimit("caller", c.LimitCaller, defaultCallerLimit, burstSeconds),
		application: newLimit("application", c.LimitApplication, defaultApplicationLimit, burstSeconds),
		address:     newLimit("address", c.LimitAddress, defaultAddressLimit, burstSeconds),
		signIn:      newLimit("sign-in", c.LimitSignIn, defaultSignInLimit, signInBurstSeconds),
		global:      newLimit("global", c.LimitGlobal, defaultGlobalLimit, burstSeconds),
	}
	l.all = rate.NewLimiter(l.global.rate, l.global.burst)
	return l
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
	return l.take(c, l.caller, l.bucket(bucketKey{l.caller, caller.ARN, caller.AccountID}))
}

// admitAddress is wire's hook: it counts a request against the address it comes from and against all, before anything costly is done
// for it. The address comes first: what is refused to it is not taken from the others.
func (l *limits) admitAddress(_ context.Context, c *wire.Call) error {
	if l == nil {
		return nil
	}
	if err := l.take(c, l.address, l.bucket(bucketKey{limit: l.address, who: addressOf(c.Request)})); err != nil {
		return err
	}
	return l.take(c, l.global, l.all)
}

// admitApplication is oidc's hook: it counts a request of a caller that may speak for the application against what the application may
// have. Strangers, and callers it does not know, cannot use that up. A transaction that runs again counts once.
func (l *limits) admitApplication(ctx context.Context, arn string) error {
	c := wire.CallFrom(ctx)
	if l == nil || c == nil || c.Counted {
		return nil
	}
	c.Counted = true
	return l.take(c, l.application, l.bucket(bucketKey{limit: l.application, who: arn}))
}

// pages counts a browser's requests, and above all the passwords it sends, against its address and against all.
func (l *limits) pages(next http.Handler) http.Handler {
	if l == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := l.address
		if r.Method == http.MethodPost {
			kind = l.signIn
		}
		b := l.bucket(bucketKey{limit: kind, who: addressOf(r)})
		if !l.allow(kind, b) || !l.allow(l.global, l.all) {
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

func (l *limits) bucket(key bucketKey) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.buckets[key]
	if !ok {
		if len(l.buckets) >= maxBuckets {
			l.dropIdle()
		}
		if len(l.buckets) >= maxBuckets {
			key = bucketKey{limit: key.limit, who: "everybody else"}
			if shared, ok := l.buckets[key]; ok {
				return shared
			}
		}
		b = rate.NewLimiter(key.limit.rate, key.limit.burst)
		l.buckets[key] = b
	}
	return b
}

// held is how many buckets are in memory.
func (l *limits) held() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.buckets)
}

// dropIdle makes room. It looks at everybody, so that it runs once a second at most: a flood of new addresses must not make each of
// its requests costly.
func (l *limits) dropIdle() {
	now := l.now()
	if since := now.Sub(l.dropped); since >= 0 && since < time.Second {
		return
	}
	l.dropped = now
	for key, b := range l.buckets {
		if b.TokensAt(now) >= float64(b.Burst()) {
			delete(l.buckets, key)
		}
	}
}

func (l *limits) allow(kind *limit, b *rate.Limiter) bool {
	if b.AllowN(l.now(), 1) {
		return true
	}
	kind.refused.Add(1)
	return false
}

func (l *limits) take(c *wire.Call, kind *limit, b *rate.Limiter) error {
	if l.allow(kind, b) {
		return nil
	}
	e := &wire.Error{
		Code: "ThrottlingException", Status: http.StatusBadRequest, Message: "Rate exceeded", Reason: "rate limit: " + kind.name,
		RetryAfter: time.Second,
	}
	if c.Service != nil && c.Service.SigningName == "sso-oauth" {
		e.Code, e.Fields = "SlowDownException", map[string]any{"error": "slow_down"}
	}
	return e
}
