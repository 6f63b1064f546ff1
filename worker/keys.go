package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"cutover/internal/config"
	"cutover/internal/engine"
	"cutover/internal/keys"
	"cutover/internal/service"
)

// keysFile is a file with keys, and what it is for.
type keysFile struct {
	config    config.Worker
	variable  string
	path, kms string
	payloads  bool
}

func keysCommand(env engine.Environment) *cobra.Command {
	var payloads bool
	group := &cobra.Command{
		Use:   "keys",
		Short: "Make and rotate the keys of the store, or with --codec those of Temporal's payloads",
		Long: `Make and rotate the keys of the store (CUTOVER_STORE_KEYS), or with --codec those of Temporal's payloads (CUTOVER_CODEC_KEYS).

To rotate without an interruption: add a key and give the file to every worker and portal; promote it and give the file to them again; reseal the
store; then remove the old key. Payloads are not resealed: keep a key until no workflow and no retained history needs it.`,
		Args: service.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	group.PersistentFlags().BoolVar(&payloads, "codec", false, "the keys of payloads instead of those of the store")
	file := func() (keysFile, error) { return whichKeys(env, payloads) }
	sub := func(use, short string, args cobra.PositionalArgs, do func(cmd *cobra.Command, f keysFile, args []string) error) *cobra.Command {
		cmd := &cobra.Command{Use: use, Short: short, Args: args}
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			f, err := file()
			if err != nil {
				return err
			}
			return do(cmd, f, args)
		}
		group.AddCommand(cmd)
		return cmd
	}
	sub("create", "Make a file with one key; one that is there is never replaced", service.NoArguments, func(cmd *cobra.Command, f keysFile, _ []string) error {
		if _, err := keys.Create(cmd.Context(), f.path, f.kms); err != nil {
			return f.failed(err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "made %s: keep a copy where the worker's host cannot lose it\n", f.path)
		return nil
	})
	var output *string
	list := sub("list", "List the keys by their ids", service.NoArguments, func(cmd *cobra.Command, f keysFile, _ []string) error {
		all, err := keys.Read(cmd.Context(), f.path, f.kms)
		if err != nil {
			return f.failed(err)
		}
		rows := [][]string{{"KEY", "USE"}}
		for _, key := range all.Keys() {
			use := "opens"
			if key.Primary {
				use = "seals and opens"
			}
			rows = append(rows, []string{key.ID, use})
		}
		return printList(cmd.OutOrStdout(), *output, all.Keys(), rows)
	})
	output = outputFlag(list)
	sub("add", "Add a key that opens and does not seal yet", service.NoArguments, func(cmd *cobra.Command, f keysFile, _ []string) error {
		id, err := keys.Add(cmd.Context(), f.path, f.kms)
		if err != nil {
			return f.failed(err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "added key %s: give the file to every worker and portal, restart them, then: worker keys promote %s\n", id, id)
		return nil
	})
	sub("promote KEY", "Have a key seal from now on", oneKey, func(cmd *cobra.Command, f keysFile, args []string) error {
		if err := keys.Promote(cmd.Context(), f.path, f.kms, args[0]); err != nil {
			return f.failed(err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "key %s seals from now on: give the file to every worker and portal and restart them\n", args[0])
		return nil
	})
	var yes bool
	remove := sub("remove KEY", "Remove a key for good, after resealing the store", oneKey, func(cmd *cobra.Command, f keysFile, args []string) error {
		return f.remove(cmd, args[0], yes)
	})
	remove.Flags().BoolVar(&yes, "yes", false, "with --codec: nothing that was sealed with the key is needed any more")
	sub("reseal", "Seal everything in the store with the key that seals now", service.NoArguments, func(cmd *cobra.Command, f keysFile, _ []string) error {
		if f.payloads {
			return service.Misused(errors.New("payloads are part of histories, which are not rewritten: keep their old keys as long as they are read"))
		}
		n, err := f.reseal(cmd.Context())
		if err == nil {
			fmt.Fprintf(cmd.OutOrStdout(), "resealed %d row(s)\n", n)
		}
		return err
	})
	return group
}

func whichKeys(env engine.Environment, payloads bool) (keysFile, error) {
	cfg, err := config.WorkerFromEnv(env.Getenv)
	if err != nil {
		return keysFile{}, service.Misused(err)
	}
	if !payloads {
		return keysFile{cfg, config.EnvStoreKeys, cfg.StoreKeys, cfg.StoreKMS, false}, nil
	}
	if cfg.CodecKeys == "" {
		return keysFile{}, service.Misused(fmt.Errorf("%s is not set: give the path of the file", engine.EnvCodecKeys))
	}
	return keysFile{cfg, engine.EnvCodecKeys, cfg.CodecKeys, cfg.CodecKMS, true}, nil
}

// failed tells what is the operator's to correct from what failed.
func (f keysFile) failed(err error) error {
	err = inVariable(f.variable, err)
	for _, mistake := range []error{fs.ErrNotExist, fs.ErrExist, keys.ErrUnknownKey, keys.ErrPrimary} {
		if errors.Is(err, mistake) {
			return service.Misused(err)
		}
	}
	return err
}

// remove reseals the store first: what is sealed with the key would be lost.
func (f keysFile) remove(cmd *cobra.Command, id string, yes bool) error {
	if f.payloads && !yes {
		return service.Misused(fmt.Errorf("what was sealed with key %s could not be read any more: give --yes if no workflow and no history needs it", id))
	}
	if !f.payloads {
		if _, err := f.reseal(cmd.Context()); err != nil {
			return err
		}
	}
	if err := keys.Remove(cmd.Context(), f.path, f.kms, id); err != nil {
		return f.failed(err)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "removed key %s\n", id)
	return nil
}

func (f keysFile) reseal(ctx context.Context) (int, error) {
	database, err := openStore(ctx, f.config)
	if err != nil {
		return 0, err
	}
	n, err := database.Reseal(ctx)
	return n, errors.Join(inVariable(config.EnvStoreURL, err), database.Close())
}

func oneKey(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return service.Misused(fmt.Errorf("give the id of one key: %s (see worker keys list)", cmd.UseLine()))
	}
	return nil
}
