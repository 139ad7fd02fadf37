package proof

import (
	"crypto/rand"
	"net/http"
	"sync"
	"testing"
)

// user of the directory with a family of refresh tokens.
type user struct {
	s    *server
	id   string
	born *answer // the assertion's answer, with which the family began
}

func (s *server) newUser(t *testing.T) *user {
	t.Helper()
	email := rand.Text() + "@example.com"
	var created struct{ UserId string }
	s.createUser(email).must(t, &created)
	born := s.bearer(s.issuer.assertion(t, email)).must(t, nil)
	return &user{s, created.UserId, &born}
}

func (s *server) createUser(email string) *call {
	return s.admin("identitystore", "AWSIdentityStore.CreateUser", map[string]any{
		"IdentityStoreId": s.identityStore, "UserName": email, "DisplayName": email, "Name": map[string]any{"GivenName": "U", "FamilyName": "U"},
		"Emails": []any{map[string]any{"Value": email, "Type": "work", "Primary": true}},
	})
}

// switched prepares the user's being disabled or enabled.
func (u *user) switched(status string) *call {
	return u.s.admin("identitystore", "AWSIdentityStore.UpdateUser", map[string]any{
		"IdentityStoreId": u.s.identityStore, "UserId": u.id,
		"Operations": []any{map[string]any{"AttributePath": "userStatus", "AttributeValue": status}},
	})
}

// Refreshing while the user is being disabled (D06): each refresh comes before and is granted, or after and is refused; once the
// disabling is answered no token of the family is active, whenever it was issued, and no refresh succeeds. What was refused has
// changed nothing: enabled again, the family goes on.
func TestRefreshWhileDisabled(t *testing.T) { eachGrace(t, refreshWhileDisabled) }

func refreshWhileDisabled(t *testing.T, s *server, r *round, grace bool) {
	u := s.newUser(t)
	first := u.born.tokens()
	h := &history{t: t, s: s}
	use, ask := s.refresh("worker", first.RefreshToken), s.introspect("worker", first.AccessToken)
	switcher := r.IntN(*contenders)
	answers := h.together(r, *contenders, func(i int) (input, *call) {
		switch {
		case i == switcher:
			return input{kind: disable}, u.switched("DISABLED")
		case i%8 == 7:
			return input{introspectAccess, ""}, ask
		}
		return input{redeem, first.RefreshToken}, use
	})
	look := func() {
		for _, token := range append(successorsOf(answers), first.RefreshToken) {
			h.perform(input{introspectRefresh, token}, s.introspect("worker", token))
			h.perform(input{redeem, token}, s.refresh("worker", token))
		}
		for _, access := range append(accessTokensOf(answers), first.AccessToken) {
			h.perform(input{introspectAccess, ""}, s.introspect("worker", access))
		}
	}
	if answers[switcher].status == http.StatusOK {
		s.heard()
		for _, access := range append(accessTokensOf(answers), first.AccessToken) {
			h.perform(input{introspectAccess, ""}, s.introspect("worker", access))
		}
	}
	look()
	if r.kill {
		s.strike()
		s.recover(t)
		look()
	}
	h.perform(input{kind: enable}, u.switched("ENABLED"))
	look()
	h.check(userModel(first.RefreshToken, grace))
}

// One family over many generations while its user is disabled and enabled again and again.
func TestGenerationsWhileDisabled(t *testing.T) { eachGrace(t, generationsWhileDisabled) }

func generationsWhileDisabled(t *testing.T, s *server, r *round, grace bool) {
	const workers, steps, switches = 6, 10, 4
	u := s.newUser(t)
	first := u.born.tokens()
	h := &history{t: t, s: s}
	known := &chain{tokens: []string{first.RefreshToken}}
	back := make(chan struct{}, workers*steps)
	var wg sync.WaitGroup
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
	dice := newDice(r)
	wg.Go(func() {
		for i := range switches {
			if i%2 == 0 {
				h.performOn(s.among(dice), input{kind: disable}, u.switched("DISABLED"))
			} else {
				h.performOn(s.among(dice), input{kind: enable}, u.switched("ENABLED"))
			}
		}
	})
	if r.kill {
		h.killAfter(r, r.IntN(workers*steps/2), back)
	}
	wg.Wait()
	if r.kill {
		h.died()
		s.recover(t)
	}
	look := func() {
		for _, token := range known.last(3) {
			h.perform(input{introspectRefresh, token}, s.introspect("worker", token))
		}
		for _, token := range known.last(2) {
			h.perform(input{redeem, token}, s.refresh("worker", token))
		}
		h.perform(input{introspectAccess, ""}, s.introspect("worker", first.AccessToken))
	}
	look()
	h.perform(input{kind: enable}, u.switched("ENABLED"))
	look()
	h.check(userModel(first.RefreshToken, grace))
}
