module tfgrid/vectors/comet

go 1.25

require github.com/cometbft/cometbft v0.38.25
