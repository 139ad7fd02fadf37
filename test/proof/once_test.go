package proof

import "testing"

// One code, redeemed a hundred times at once: at most one success, and since there was a second use everything it issued is dead.
func TestCodeUsedAtOnce(t *testing.T) { eachRound(t, nil, codeUsedAtOnce) }

func codeUsedAtOnce(t *testing.T, s *server, r *round) {
	b := s.signIn(t)
	code, verifier := b.code(t)
	use := s.redeem(code, verifier)
	h := &history{t: t, s: s}
	answers := h.together(r, *contenders, func(int) (input, *call) { return input{redeem, code}, use })
	if n := succeeded(answers); n > 1 || n == 0 && !r.kill {
		t.Errorf("%d uses succeeded", n)
	}
	h.perform(input{redeem, code}, use)
	for _, a := range answers {
		if k := a.tokens(); k.AccessToken != "" {
			h.perform(input{introspectAccess, code}, s.introspect("web", k.AccessToken))
			h.perform(input{introspectRefresh, code}, s.introspect("web", k.RefreshToken))
		}
	}
	h.check(codeModel())
}

// One code, redeemed once, then asked about, then used again.
func TestCodeUsedTwice(t *testing.T) { eachRound(t, nil, codeUsedTwice) }

func codeUsedTwice(t *testing.T, s *server, r *round) {
	b := s.signIn(t)
	code, verifier := b.code(t)
	use := s.redeem(code, verifier)
	h := &history{t: t, s: s}
	first := h.perform(input{redeem, code}, use).tokens()
	ask := s.introspect("web", first.AccessToken)
	h.perform(input{introspectAccess, code}, ask)
	if r.kill {
		s.strike()
		s.recover(t)
	}
	h.perform(input{introspectAccess, code}, ask)
	h.perform(input{redeem, code}, use)
	h.perform(input{introspectAccess, code}, ask)
	h.perform(input{introspectRefresh, code}, s.introspect("web", first.RefreshToken))
	h.check(codeModel())
}

// One assertion, presented a hundred times at once: at most one success, which stays good.
func TestAssertionUsedAtOnce(t *testing.T) { eachRound(t, nil, assertionUsedAtOnce) }

func assertionUsedAtOnce(t *testing.T, s *server, r *round) {
	assertion := s.issuer.assertion(t, "alice@example.com")
	use := s.bearer(assertion)
	h := &history{t: t, s: s}
	answers := h.together(r, *contenders, func(int) (input, *call) { return input{redeem, assertion}, use })
	if n := succeeded(answers); n > 1 || n == 0 && !r.kill {
		t.Errorf("%d uses succeeded", n)
	}
	h.perform(input{redeem, assertion}, use)
	h.perform(input{redeem, assertion}, use)
	for _, a := range answers {
		if k := a.tokens(); k.AccessToken != "" {
			h.perform(input{introspectAccess, assertion}, s.introspect("worker", k.AccessToken))
			h.perform(input{introspectRefresh, assertion}, s.introspect("worker", k.RefreshToken))
		}
	}
	h.check(assertionModel())
}
