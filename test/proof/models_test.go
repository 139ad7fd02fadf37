package proof

import "github.com/anishathalye/porcupine"

// maybe is the outcome of a call nobody answered: it happened, or it did not.
func maybe(unchanged, happened any) []any { return []any{unchanged, happened} }

// familyState is a refresh token family as its owner can know it. A successor that nobody was told of yet is "".
type familyState struct {
	current, previous string
	dead              bool
}

// familyModel is a refresh token family (design.md §5): the current token rotates; the one before gets the same successor
// while the grace window is open (for a whole history, or never); any older one, or one outside the window, ends the family.
// first is the family's first token.
func familyModel(first string, grace bool) porcupine.NondeterministicModel {
	return porcupine.NondeterministicModel{
		Init: func() []any { return []any{familyState{current: first}} },
		Step: func(state, in, out any) []any {
			return familyStep(state.(familyState), in.(input), out.(output), grace)
		},
	}
}

func familyStep(f familyState, in input, out output, grace bool) []any {
	dead := f
	dead.dead = true
	replay := in.token == f.previous && f.previous != "" && grace
	switch in.kind {
	case revokeFamily:
		if out.unknown {
			return maybe(f, dead)
		}
		return []any{dead}
	case introspectAccess:
		return when(out.unknown || out.ok == !f.dead, f)
	case introspectRefresh:
		return when(out.unknown || out.ok == (!f.dead && (in.token == f.current || replay)), f)
	}
	switch {
	case f.dead:
		return when(out.unknown || !out.ok, f)
	case in.token == f.current:
		rotated := familyState{current: out.successor, previous: in.token}
		if out.unknown {
			return maybe(f, rotated)
		}
		return when(out.ok && out.successor != "" && out.successor != f.current && out.successor != f.previous, rotated)
	case replay:
		return f.replayed(out)
	}
	if out.unknown {
		return maybe(f, dead)
	}
	return when(!out.ok, dead)
}

// replayed: the one successor for all, also for those who only now learn it.
func (f familyState) replayed(out output) []any {
	if out.unknown {
		return []any{f}
	}
	if f.current == "" {
		f.current = out.successor
	}
	return when(out.ok && out.successor == f.current && out.successor != "", f)
}

func when(allowed bool, next any) []any {
	if !allowed {
		return nil
	}
	return []any{next}
}

// codeState is an authorization code: how often it was used, and what its one use issued.
type codeState int

const (
	unused codeState = iota
	used
	usedAgain // everything it issued has ended
)

// codeModel is an authorization code (RFC 6749 §4.1.2): one use; a second is refused and ends what the first issued.
func codeModel() porcupine.NondeterministicModel {
	return porcupine.NondeterministicModel{
		Init: func() []any { return []any{unused} },
		Step: func(state, in, out any) []any { return codeStep(state.(codeState), in.(input), out.(output)) },
	}
}

func codeStep(c codeState, in input, out output) []any {
	if in.kind != redeem {
		return when(out.unknown || out.ok == (c == used), c)
	}
	next := min(c+1, usedAgain)
	if out.unknown {
		return maybe(c, next)
	}
	return when(out.ok == (c == unused), next)
}

// assertionModel is an assertion (RFC 7523 with a jti): one use; a second is refused and changes nothing.
func assertionModel() porcupine.NondeterministicModel {
	return porcupine.NondeterministicModel{
		Init: func() []any { return []any{unused} },
		Step: func(state, in, out any) []any { return assertionStep(state.(codeState), in.(input), out.(output)) },
	}
}

func assertionStep(c codeState, in input, out output) []any {
	switch {
	case in.kind != redeem:
		return when(out.unknown || out.ok == (c == used), c)
	case out.unknown:
		return maybe(c, used)
	}
	return when(out.ok == (c == unused), used)
}

// sessionModel is a session and all that was issued in it, and exchanged from that: alive until it is revoked or signed out of,
// dead from then on.
func sessionModel() porcupine.NondeterministicModel {
	return porcupine.NondeterministicModel{
		Init: func() []any { return []any{true} },
		Step: func(state, in, out any) []any {
			alive, done := state.(bool), out.(output)
			if k := in.(input).kind; k == revokeFamily || k == signOut {
				if done.unknown {
					return maybe(alive, false)
				}
				return []any{false}
			}
			return when(done.unknown || done.ok == alive, alive)
		},
	}
}

// nameModel is a name that one thing may have: who creates the second is refused.
func nameModel() porcupine.NondeterministicModel {
	return porcupine.NondeterministicModel{
		Init: func() []any { return []any{false} },
		Step: func(state, in, out any) []any {
			taken, done := state.(bool), out.(output)
			switch k := in.(input).kind; {
			case k == find:
				return when(done.unknown || done.ok == taken, taken)
			case done.unknown:
				return maybe(taken, k == create)
			case k == create:
				return when(done.ok == !taken, true)
			default:
				return when(done.ok == taken, false)
			}
		},
	}
}

// record is a thing that has a value until it is removed.
type record struct {
	value   string
	removed bool
}

func recordModel(value string) porcupine.NondeterministicModel {
	return porcupine.NondeterministicModel{
		Init: func() []any { return []any{record{value: value}} },
		Step: func(state, in, out any) []any { return recordStep(state.(record), in.(input), out.(output)) },
	}
}

func recordStep(r record, in input, out output) []any {
	next := r
	switch in.kind {
	case read:
		return when(out.unknown || out.ok == !r.removed && (r.removed || out.successor == r.value), r)
	case write:
		if !r.removed {
			next.value = in.token
		}
	case remove:
		next.removed = true
	}
	if out.unknown {
		return maybe(r, next)
	}
	return when(out.ok == !r.removed, next)
}

// userState is a user and a family of refresh tokens of that user.
type userState struct {
	family   familyState
	disabled bool
}

// userModel is a family whose user can be disabled and enabled: while disabled, nothing is issued and nothing active, and what is
// refused for that neither rotates nor ends the family.
func userModel(first string, grace bool) porcupine.NondeterministicModel {
	return porcupine.NondeterministicModel{
		Init: func() []any { return []any{userState{family: familyState{current: first}}} },
		Step: func(state, in, out any) []any { return userStep(state.(userState), in.(input), out.(output), grace) },
	}
}

func userStep(u userState, in input, out output, grace bool) (next []any) {
	if in.kind == disable || in.kind == enable {
		switched := u
		switched.disabled = in.kind == disable
		if out.unknown {
			return maybe(u, switched)
		}
		return when(out.ok, switched)
	}
	f := u.family
	usable := in.token == f.current || grace && in.token == f.previous
	if u.disabled && (in.kind != redeem || f.dead || usable) {
		return when(out.unknown || !out.ok, u)
	}
	if out.excused && !out.ok {
		next = append(next, u)
	}
	for _, family := range familyStep(f, in, out, grace) {
		next = append(next, userState{family.(familyState), u.disabled})
	}
	return next
}
