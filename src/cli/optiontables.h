/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * optiontables: the tables of options that rows of the table of commands lead to; each ends with a row without a name. Included by
 * command.c and optiontables.c only.
 */
#ifndef CLI_OPTIONTABLES_H
#define CLI_OPTIONTABLES_H

#include "cli/option.h"

extern const struct cli_option cli_no_options[], cli_up_options[], cli_plan_options[],
	cli_down_options[], cli_ps_options[], cli_ls_options[], cli_logs_options[],
	cli_events_options[], cli_why_options[], cli_exec_options[], cli_attach_options[],
	cli_cp_options[], cli_stats_options[], cli_start_options[], cli_stop_options[],
	cli_restart_options[], cli_kill_options[], cli_rm_options[], cli_create_options[],
	cli_scale_options[], cli_wait_options[], cli_link_options[], cli_port_options[],
	cli_impair_options[], cli_run_options[], cli_top_options[], cli_capture_options[],
	cli_graph_options[], cli_config_options[], cli_init_options[], cli_pull_options[],
	cli_image_options[], cli_images_options[], cli_volumes_options[], cli_volume_options[],
	cli_doctor_options[], cli_version_options[];

#endif
