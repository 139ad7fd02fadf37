// Package proof is for its tests: what Symbolon promises of things that may be used once, checked against histories recorded
// from real HTTP calls to the real program, which is killed in the middle of half of them.
//
// A history is every call with the moments it was sent and answered. Porcupine searches for an order of single steps, within
// those moments, that the model of the thing allows (linearizability). A call that was not answered because the program was
// killed may have happened before the kill, or not at all; never later. With several nodes on one database a fault takes the place
// of the kill: of the network between a node and the database, of a node, of the database.
//
//	go test ./proof                                  a few rounds of everything
//	go test ./proof -rounds 200                      as many as you have time for
//	go test ./proof -store postgres                  on PostgreSQL
//	go test -v ./proof -run TestFailOver -rounds 20  its primary dies and a standby takes over
//	go test ./proof -store postgres -run TestNodes   three nodes, under faults
//	go test ./proof -seed 7 -rounds 1                the round that a failure names
//	go test ./proof -run TestPowerLost -runs 8       power lost at many moments of recorded runs
package proof
