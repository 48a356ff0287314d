// Prints vectors of CometBFT's light client, made by CometBFT itself: a small chain whose validators change, in the JSON of
// its RPC, with every hash and every signed byte, and the verdict of its own verifier over pairs of headers and over forgeries.
// See ../README.md.
package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/crypto/tmhash"
	cmtjson "github.com/cometbft/cometbft/libs/json"
	"github.com/cometbft/cometbft/light"
	cmtversion "github.com/cometbft/cometbft/proto/tendermint/version"
	ctypes "github.com/cometbft/cometbft/rpc/core/types"
	"github.com/cometbft/cometbft/types"
)

const (
	chainID     = "tfgrid-vectors"
	heights     = 24
	trustPeriod = 240 * time.Second
	drift       = 10 * time.Second
)

var genesisTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type block struct {
	Commit         json.RawMessage   `json:"commit"`
	Validators     json.RawMessage   `json:"validators"`
	Hash           string            `json:"hash"`
	ValidatorsHash string            `json:"validatorsHash"`
	Addresses      []string          `json:"addresses"`
	SignBytes      map[string]string `json:"signBytes"`
}

type verdict struct {
	Trusted   int64  `json:"trusted"`
	Untrusted int64  `json:"untrusted"`
	NowMs     int64  `json:"nowMs"`
	Verdict   string `json:"verdict"`
}

type forgery struct {
	Name       string          `json:"name"`
	Trusted    int64           `json:"trusted"`
	Commit     json.RawMessage `json:"commit"`
	Validators json.RawMessage `json:"validators"`
	Verdict    string          `json:"verdict"`
	Reason     string          `json:"reason"`
}

func key(index int) ed25519.PrivKey {
	return ed25519.GenPrivKeyFromSecret([]byte(fmt.Sprintf("tfgrid vector validator %d", index)))
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func digest(text string) []byte { return tmhash.Sum([]byte(text)) }

// One validator leaves and one comes at every third height, so that far headers share few signers.
func setOf(height int64, keys map[string]ed25519.PrivKey) *types.ValidatorSet {
	first := int(height-1) / 3
	var members []*types.Validator
	for index := first; index < first+5; index++ {
		pair := key(index)
		keys[string(pair.PubKey().Address())] = pair
		members = append(members, types.NewValidator(pair.PubKey(), int64(10+index%3)))
	}
	return types.NewValidatorSet(members)
}

type signedBlock struct {
	header *types.SignedHeader
	set    *types.ValidatorSet
}

// Who votes how: the first votes of some heights are missing or for nil, always with more than two thirds left.
func flagOf(height int64, index int) types.BlockIDFlag {
	switch {
	case height%5 == 2 && index == 0:
		return types.BlockIDFlagAbsent
	case height%7 == 3 && index == 1:
		return types.BlockIDFlagNil
	default:
		return types.BlockIDFlagCommit
	}
}

func sign(commit *types.Commit, keys map[string]ed25519.PrivKey) {
	for index := range commit.Signatures {
		vote := &commit.Signatures[index]
		if vote.BlockIDFlag == types.BlockIDFlagAbsent {
			continue
		}
		vote.Signature = must(keys[string(vote.ValidatorAddress)].Sign(commit.VoteSignBytes(chainID, int32(index))))
	}
}

func commitFor(header *types.Header, set *types.ValidatorSet, flags func(int) types.BlockIDFlag) *types.Commit {
	commit := &types.Commit{
		Height:  header.Height,
		Round:   int32(header.Height % 4),
		BlockID: types.BlockID{Hash: header.Hash(), PartSetHeader: types.PartSetHeader{Total: uint32(header.Height%3 + 1), Hash: digest(fmt.Sprintf("parts %d", header.Height))}},
	}
	for index, validator := range set.Validators {
		flag := flags(index)
		if flag == types.BlockIDFlagAbsent {
			commit.Signatures = append(commit.Signatures, types.NewCommitSigAbsent())
			continue
		}
		// Fractions of a second of every length, whole seconds among them.
		at := header.Time.Add(time.Duration(index) * 1_001_010 * time.Microsecond / 1000).Add(time.Duration(index*7) * time.Nanosecond)
		commit.Signatures = append(commit.Signatures, types.CommitSig{BlockIDFlag: flag, ValidatorAddress: validator.Address, Timestamp: at})
	}
	return commit
}

func headerAt(height int64, last types.BlockID, keys map[string]ed25519.PrivKey) *types.Header {
	set, next := setOf(height, keys), setOf(height+1, keys)
	fraction := []time.Duration{0, 500 * time.Millisecond, 123_456_789, 1}[height%4]
	header := &types.Header{
		Version:            cmtversion.Consensus{Block: 11, App: uint64(height / 10)},
		ChainID:            chainID,
		Height:             height,
		Time:               genesisTime.Add(time.Duration(height)*10*time.Second + fraction),
		LastBlockID:        last,
		DataHash:           digest(fmt.Sprintf("data %d", height)),
		ValidatorsHash:     set.Hash(),
		NextValidatorsHash: next.Hash(),
		ConsensusHash:      digest("consensus"),
		AppHash:            digest(fmt.Sprintf("app %d", height-1)),
		LastResultsHash:    digest(fmt.Sprintf("results %d", height-1)),
		EvidenceHash:       digest("no evidence"),
		ProposerAddress:    set.Validators[int(height)%set.Size()].Address,
	}
	if height > 1 {
		header.LastCommitHash = digest(fmt.Sprintf("commit %d", height-1))
	}
	return header
}

func chain(keys map[string]ed25519.PrivKey) []signedBlock {
	var blocks []signedBlock
	last := types.BlockID{}
	for height := int64(1); height <= heights; height++ {
		header := headerAt(height, last, keys)
		set := setOf(height, keys)
		commit := commitFor(header, set, func(index int) types.BlockIDFlag { return flagOf(height, index) })
		sign(commit, keys)
		blocks = append(blocks, signedBlock{header: &types.SignedHeader{Header: header, Commit: commit}, set: set})
		last = commit.BlockID
	}
	return blocks
}

func commitJSON(signed *types.SignedHeader) json.RawMessage {
	return must(cmtjson.Marshal(ctypes.ResultCommit{SignedHeader: *signed, CanonicalCommit: true}))
}

func rowOf(entry signedBlock) block {
	signed, set := entry.header, entry.set
	row := block{
		Commit:         commitJSON(signed),
		Validators:     must(cmtjson.Marshal(set.Validators)),
		Hash:           hex.EncodeToString(signed.Header.Hash()),
		ValidatorsHash: hex.EncodeToString(set.Hash()),
		SignBytes:      map[string]string{},
	}
	for index, vote := range signed.Commit.Signatures {
		row.Addresses = append(row.Addresses, hex.EncodeToString(set.Validators[index].Address))
		if vote.BlockIDFlag == types.BlockIDFlagCommit {
			row.SignBytes[fmt.Sprint(index)] = hex.EncodeToString(signed.Commit.VoteSignBytes(chainID, int32(index)))
		}
	}
	return row
}

func judge(trusted, untrusted signedBlock, now time.Time) (string, string) {
	err := light.Verify(trusted.header, trusted.set, untrusted.header, untrusted.set, trustPeriod, now, drift, light.DefaultTrustLevel)
	var far light.ErrNewValSetCantBeTrusted
	var old light.ErrOldHeaderExpired
	switch {
	case err == nil:
		return "verified", ""
	case errors.As(err, &far):
		return "bisect", err.Error()
	case errors.As(err, &old):
		return "expired", err.Error()
	default:
		return "refused", err.Error()
	}
}

func verdicts(blocks []signedBlock) []verdict {
	var rows []verdict
	add := func(from, to int, now time.Time) {
		trusted, untrusted := blocks[from], blocks[to]
		answer, _ := judge(trusted, untrusted, now)
		rows = append(rows, verdict{Trusted: trusted.header.Height, Untrusted: untrusted.header.Height, NowMs: now.UnixMilli(), Verdict: answer})
	}
	for from := range blocks {
		for to := range blocks {
			if from != to {
				add(from, to, blocks[len(blocks)-1].header.Time)
			}
		}
	}
	// At the edges of the trust period and of the clock's drift; whole milliseconds, as our clock counts.
	base := blocks[3].header.Time
	for _, now := range []time.Time{base.Add(trustPeriod - time.Millisecond), base.Add(trustPeriod), base.Add(trustPeriod + time.Millisecond)} {
		add(3, 4, now)
	}
	next := blocks[4].header.Time.Truncate(time.Millisecond)
	for _, now := range []time.Time{next.Add(-drift - time.Second), next.Add(-drift + time.Second), next} {
		add(3, 4, now)
	}
	return rows
}

// Each is what a lying server could send after the trusted height; CometBFT's verifier says what it makes of it.
func forgeries(blocks []signedBlock, keys map[string]ed25519.PrivKey) []forgery {
	now := blocks[len(blocks)-1].header.Time
	var rows []forgery
	add := func(name string, trusted int, lie func(entry *signedBlock), target int) {
		original := blocks[target]
		header, commit := *original.header.Header, original.header.Commit.Clone()
		entry := signedBlock{header: &types.SignedHeader{Header: &header, Commit: commit}, set: original.set.Copy()}
		lie(&entry)
		answer, reason := judge(blocks[trusted], entry, now)
		if answer == "verified" {
			panic(name + " was verified")
		}
		row := rowOf(entry)
		rows = append(rows, forgery{Name: name, Trusted: blocks[trusted].header.Height, Commit: row.Commit, Validators: row.Validators, Verdict: answer, Reason: reason})
	}
	resign := func(entry *signedBlock) {
		entry.header.Commit.BlockID.Hash = entry.header.Header.Hash()
		sign(entry.header.Commit, keys)
	}
	strangers := map[string]ed25519.PrivKey{}
	usurp := func(entry *signedBlock, count int) {
		var members []*types.Validator
		for index := 0; index < count; index++ {
			pair := key(1000 + index)
			strangers[string(pair.PubKey().Address())] = pair
			members = append(members, types.NewValidator(pair.PubKey(), 10))
		}
		entry.set = types.NewValidatorSet(members)
		entry.header.Header.ValidatorsHash = entry.set.Hash()
		entry.header.Commit = commitFor(entry.header.Header, entry.set, func(int) types.BlockIDFlag { return types.BlockIDFlagCommit })
		sign(entry.header.Commit, strangers)
	}
	for _, target := range []int{6, 8} {
		where := map[int]string{6: "next to the trusted header", 8: "further away"}[target]
		add("app hash altered, "+where, 5, func(entry *signedBlock) { entry.header.Header.AppHash = digest("lie") }, target)
		add("app hash altered and the commit's hash with it, "+where, 5, func(entry *signedBlock) {
			entry.header.Header.AppHash = digest("lie")
			entry.header.Commit.BlockID.Hash = entry.header.Header.Hash()
		}, target)
		add("a signature altered, "+where, 5, func(entry *signedBlock) { entry.header.Commit.Signatures[2].Signature[7] ^= 1 }, target)
		add("a vote's time altered, "+where, 5, func(entry *signedBlock) {
			entry.header.Commit.Signatures[2].Timestamp = entry.header.Commit.Signatures[2].Timestamp.Add(1)
		}, target)
		add("too little power, "+where, 5, func(entry *signedBlock) {
			for index := range entry.header.Commit.Signatures[:2] {
				entry.header.Commit.Signatures[index] = types.NewCommitSigAbsent()
			}
		}, target)
		add("votes for nil sold as votes for the block, "+where, 5, func(entry *signedBlock) {
			for index := range entry.header.Commit.Signatures {
				if entry.header.Commit.Signatures[index].BlockIDFlag != types.BlockIDFlagAbsent {
					entry.header.Commit.Signatures[index].BlockIDFlag = types.BlockIDFlagNil
				}
			}
			sign(entry.header.Commit, keys)
			for index := range entry.header.Commit.Signatures {
				if entry.header.Commit.Signatures[index].BlockIDFlag == types.BlockIDFlagNil {
					entry.header.Commit.Signatures[index].BlockIDFlag = types.BlockIDFlagCommit
				}
			}
		}, target)
		add("one vote twice, "+where, 5, func(entry *signedBlock) { entry.header.Commit.Signatures[1] = entry.header.Commit.Signatures[2] }, target)
		add("power of a validator altered, "+where, 5, func(entry *signedBlock) { entry.set.Validators[0].VotingPower += 100 }, target)
		add("other validators altogether, "+where, 5, func(entry *signedBlock) { usurp(entry, 5) }, target)
		add("commit of another round, "+where, 5, func(entry *signedBlock) { entry.header.Commit.Round++ }, target)
		add("header of another chain, "+where, 5, func(entry *signedBlock) {
			entry.header.Header.ChainID = "other"
			resign(entry)
		}, target)
		add("time before the trusted header's, "+where, 5, func(entry *signedBlock) {
			entry.header.Header.Time = blocks[5].header.Time
			resign(entry)
		}, target)
		add("time in the future, "+where, 5, func(entry *signedBlock) {
			entry.header.Header.Time = now.Add(drift + time.Second)
			resign(entry)
		}, target)
	}
	return rows
}

// As many validators as the ledger admits, with powers that need one to nine bytes.
func large() block {
	keys := map[string]ed25519.PrivKey{}
	var members []*types.Validator
	for index := 0; index < 100; index++ {
		pair := key(2000 + index)
		keys[string(pair.PubKey().Address())] = pair
		members = append(members, types.NewValidator(pair.PubKey(), int64(1)<<(index%53)+int64(index)))
	}
	set := types.NewValidatorSet(members)
	header := headerAt(1, types.BlockID{}, map[string]ed25519.PrivKey{})
	header.Height, header.ValidatorsHash, header.NextValidatorsHash = 1<<40, set.Hash(), set.Hash()
	header.ProposerAddress = set.Validators[0].Address
	commit := commitFor(header, set, func(int) types.BlockIDFlag { return types.BlockIDFlagCommit })
	commit.Round = 1<<31 - 1
	sign(commit, keys)
	return rowOf(signedBlock{header: &types.SignedHeader{Header: header, Commit: commit}, set: set})
}

func main() {
	keys := map[string]ed25519.PrivKey{}
	blocks := chain(keys)
	var rows []block
	for _, entry := range blocks {
		rows = append(rows, rowOf(entry))
	}
	out := map[string]any{
		"about":         "Made by vectors/generate/comet with CometBFT v0.38.25. commit: result of /commit; validators: of /validators; verdicts: light.Verify at trust level 1/3.",
		"chainId":       chainID,
		"trustPeriodMs": trustPeriod.Milliseconds(),
		"clockDriftMs":  drift.Milliseconds(),
		"blocks":        rows,
		"verdicts":      verdicts(blocks),
		"forgeries":     forgeries(blocks, keys),
		"large":         large(),
	}
	encoder := json.NewEncoder(os.Stdout)
	if err := encoder.Encode(out); err != nil {
		panic(err)
	}
}
