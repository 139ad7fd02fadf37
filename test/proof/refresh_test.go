package proof

import (
	"net/http"
	"slices"
	"sync"
	"testing"
)

// graces are the two kinds of servers: with a window longer than any history, and without one.
var graces = map[string]bool{"refresh-grace=300s": true, "refresh-grace=0s": false}

func eachGrace(t *testing.T, proof func(t *testing.T, s *server, r *round, grace bool)) {
	for setting, grace := range graces {
		t.Run(setting, func(t *testing.T) {
			eachRound(t, []string{"--" + setting}, func(t *testing.T, s *server, r *round) { proof(t, s, r, grace) })
		})
	}
}

// One refresh token, used a hundred times at once: inside the grace window everybody gets one and the same successor; without
// one there is at most one success, and the family dies.
func TestRefreshTokenUsedAtOnce(t *testing.T) { eachGrace(t, refreshTokenUsedAtOnce) }

func refreshTokenUsedAtOnce(t *testing.T, s *server, r *round, grace bool) {
	first := s.family(t)
	h := &history{t: t, s: s}
	use := s.refresh("worker", first.RefreshToken)
	answers := h.together(r, *contenders, func(int) (input, *call) { return input{redeem, first.RefreshToken}, use })
	successors := successorsOf(answers)
	switch {
	case grace && len(successors) > 1:
		t.Errorf("%d different successors", len(successors))
	case grace && !r.kill && succeeded(answers) != *contenders:
		t.Errorf("%d of %d uses succeeded", succeeded(answers), *contenders)
	case !grace && succeeded(answers) > 1:
		t.Errorf("%d uses succeeded without a grace window", succeeded(answers))
	case !grace && !r.kill && succeeded(answers) != 1:
		t.Errorf("no use succeeded")
	}
	for _, token := range successors {
		h.perform(input{introspectRefresh, token}, s.introspect("worker", token))
	}
	h.perform(input{introspectAccess, ""}, s.introspect("worker", first.AccessToken))
	h.perform(input{redeem, first.RefreshToken}, use)
	for _, token := range successors {
		h.perform(input{redeem, token}, s.refresh("worker", token))
		h.perform(input{introspectRefresh, token}, s.introspect("worker", token))
	}
	for _, access := range accessTokensOf(answers) {
		h.perform(input{introspectAccess, ""}, s.introspect("worker", access))
	}
	h.check(familyModel(first.RefreshToken, grace))
}

// One family, many generations: workers use the newest token they know of, sometimes an older one, ask about others, and now and
// then one revokes.
func TestRefreshTokenGenerations(t *testing.T) { eachGrace(t, refreshTokenGenerations) }

func refreshTokenGenerations(t *testing.T, s *server, r *round, grace bool) {
	const workers, steps = 8, 12
	first := s.family(t)
	h := &history{t: t, s: s}
	known := &chain{tokens: []string{first.RefreshToken}}
	var wg sync.WaitGroup
	back := make(chan struct{}, workers*steps)
	for range workers {
		dice := newDice(r)
		wg.Go(func() {
			for range steps {
				what, c := known.next(s, dice, first.AccessToken)
				known.learn(h.performOn(s.among(dice), what, c))
				back <- struct{}{}
			}
		})
	}
	if r.kill {
		h.killAfter(r, r.IntN(workers*steps/2), back)
	}
	wg.Wait()
	if r.kill {
		h.died()
		s.recover(t)
	}
	for _, token := range known.last(3) {
		h.perform(input{introspectRefresh, token}, s.introspect("worker", token))
	}
	for _, token := range known.last(2) {
		h.perform(input{redeem, token}, s.refresh("worker", token))
	}
	h.perform(input{introspectAccess, ""}, s.introspect("worker", first.AccessToken))
	h.check(familyModel(first.RefreshToken, grace))
}

// Refreshing while somebody revokes: what was answered after the revocation is dead.
func TestRefreshWhileRevoked(t *testing.T) { eachGrace(t, refreshWhileRevoked) }

func refreshWhileRevoked(t *testing.T, s *server, r *round, grace bool) {
	first := s.family(t)
	h := &history{t: t, s: s}
	use, end := s.refresh("worker", first.RefreshToken), s.revoke("worker", first.RefreshToken)
	ask, askAccess := s.introspect("worker", first.RefreshToken), s.introspect("worker", first.AccessToken)
	ender := r.IntN(*contenders)
	answers := h.together(r, *contenders, func(i int) (input, *call) {
		switch {
		case i == ender:
			return input{revokeFamily, first.RefreshToken}, end
		case i%8 == 6:
			return input{introspectRefresh, first.RefreshToken}, ask
		case i%8 == 7:
			return input{introspectAccess, ""}, askAccess
		}
		return input{redeem, first.RefreshToken}, use
	})
	h.perform(input{introspectAccess, ""}, askAccess)
	for _, token := range successorsOf(answers) {
		h.perform(input{introspectRefresh, token}, s.introspect("worker", token))
		h.perform(input{redeem, token}, s.refresh("worker", token))
	}
	if answers[ender].status == http.StatusOK {
		s.heard()
		for _, access := range accessTokensOf(answers) {
			if a := s.introspect("worker", access).send(); a.active() {
				t.Errorf("an access token is active after the revocation: %v", a)
			}
		}
	}
	h.check(familyModel(first.RefreshToken, grace))
}

// chain are the refresh tokens of a family that workers know of, oldest first.
type chain struct {
	mu     sync.Mutex
	tokens []string
}

func (c *chain) learn(a answer) {
	token := a.tokens().RefreshToken
	c.mu.Lock()
	defer c.mu.Unlock()
	if token != "" && !slices.Contains(c.tokens, token) {
		c.tokens = append(c.tokens, token)
	}
}

func (c *chain) last(n int) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.tokens[max(0, len(c.tokens)-n):])
}

// next chooses what a worker does: mostly the newest token.
func (c *chain) next(s *server, dice *dice, access string) (input, *call) {
	recent := c.last(3)
	newest := recent[len(recent)-1]
	switch p := dice.IntN(1000); {
	case p < 4:
		return input{revokeFamily, newest}, s.revoke("worker", newest)
	case p < 10:
		return input{redeem, recent[0]}, s.refresh("worker", recent[0])
	case p < 150:
		token := recent[dice.IntN(len(recent))]
		return input{introspectRefresh, token}, s.introspect("worker", token)
	case p < 200:
		return input{introspectAccess, ""}, s.introspect("worker", access)
	case p < 300:
		token := recent[max(0, len(recent)-2)]
		return input{redeem, token}, s.refresh("worker", token)
	}
	return input{redeem, newest}, s.refresh("worker", newest)
}

func succeeded(answers []answer) (n int) {
	for _, a := range answers {
		if a.tokens().AccessToken != "" {
			n++
		}
	}
	return n
}

func successorsOf(answers []answer) (distinct []string) {
	for _, a := range answers {
		if token := a.tokens().RefreshToken; token != "" && !slices.Contains(distinct, token) {
			distinct = append(distinct, token)
		}
	}
	return distinct
}

// accessTokensOf are at most ten of those issued.
func accessTokensOf(answers []answer) (some []string) {
	for _, a := range answers {
		if token := a.tokens().AccessToken; token != "" && len(some) < 10 {
			some = append(some, token)
		}
	}
	return some
}
