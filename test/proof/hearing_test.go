package proof

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// hearing is how long other nodes may go on as if a change of the configuration, or the end of a session, had not been.
const hearing = time.Second

// heard returns when every node must have heard of what has been answered so far.
func (s *server) heard() {
	if len(s.nodes) > 1 {
		time.Sleep(hearing + 10*time.Millisecond)
	}
}

// late are the calls that succeeded although they must not: which began after the user's being disabled was answered, by the same node, or
// more than a second after, by another, and were answered before the user was enabled again; and questions after access tokens that the node
// found active which had itself revoked them.
func late(all []porcupine.Operation) (wrong []string) {
	for _, end := range all {
		in, ended := end.Input.(input), end.Output.(output)
		if in.kind != disable && in.kind != revokeFamily || !ended.ok {
			continue
		}
		again := enabledAgain(all, end)
		for _, o := range all {
			asked, out := o.Input.(input), o.Output.(output)
			if !out.ok || o.Call <= end.Return || o.Return >= again {
				continue
			}
			here, since := out.node == ended.node, time.Duration(o.Call-end.Return)
			switch {
			case in.kind == revokeFamily && (asked.kind != introspectAccess || !here):
			case asked.kind == disable || asked.kind == enable || asked.kind == revokeFamily:
			case here || since > hearing:
				wrong = append(wrong, fmt.Sprintf("%v succeeded on node %d, called %v after %v was answered by node %d",
					asked.kind, out.node, since, in.kind, ended.node))
			}
		}
	}
	return wrong
}

// enabledAgain is when the user may have been enabled first after having been disabled.
func enabledAgain(all []porcupine.Operation, off porcupine.Operation) int64 {
	at := int64(math.MaxInt64)
	for _, on := range all {
		if on.Input.(input).kind == enable && on.Return > off.Call {
			at = min(at, on.Call)
		}
	}
	return at
}

// heardOf is a history as the models see it that several nodes answered. A question finds an access token active by what the node knows of
// sessions, which may be a second old; all that is done with a refresh token is judged by the family itself. The user's switches are left
// to late: until all nodes must have heard of a disabling, each call may find the user as before or as after it. That the user was enabled each
// node finds out before it refuses anything, unless a fault keeps it from asking.
func heardOf(all []porcupine.Operation, strikes [][2]int64) (rest []porcupine.Operation) {
	isSwitch := func(o porcupine.Operation) bool { k := o.Input.(input).kind; return k == disable || k == enable }
	for _, o := range all {
		if isSwitch(o) {
			continue
		}
		out := o.Output.(output)
		out.excused = perhapsDisabled(all, o, strikes)
		o.Output = out
		if out.ok && o.Input.(input).kind == introspectAccess {
			o.Call -= int64(hearing)
		}
		rest = append(rest, o)
	}
	return rest
}

// perhapsDisabled says whether the user may have been disabled for a call: from the disabling's call to the answer of what enables again, or,
// during a fault and a second after it, to a second after that.
func perhapsDisabled(all []porcupine.Operation, o porcupine.Operation, strikes [][2]int64) bool {
	heard := o.Call
	if slices.ContainsFunc(strikes, func(s [2]int64) bool { return o.Call <= s[1]+int64(hearing) && o.Return >= s[0] }) {
		heard -= int64(hearing)
	}
	for _, off := range all {
		if off.Input.(input).kind != disable || off.Call > o.Return {
			continue
		}
		enabled := slices.ContainsFunc(all, func(on porcupine.Operation) bool {
			return on.Input.(input).kind == enable && on.Output.(output).ok && on.Call > off.Return && on.Return < heard
		})
		if !enabled {
			return true
		}
	}
	return false
}
