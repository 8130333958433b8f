# SPDX-License-Identifier: Apache-2.0
# For `make gdb`, which connects after this: to the machine that `make run
# QEMU_ARGS='-s -S'` started in another terminal, or with REMOTE=:3333 to OpenOCD.
# A machine that waits at its very first instruction knows no symbol yet: they
# are those of the link address, right from the moment the MMU is on.
set confirm off
set pagination off
set architecture aarch64

define tasks
  printf "    ID NAME             PRI CPU STATE\n"
  set $node = all_tasks.next
  set $left = 4096
  while $node != &all_tasks && $left > 0
    set $task = (struct task *)((char *)$node - (unsigned long)&((struct task *)0)->all_node)
    printf "%6u %-16s %3u %3u ", $task->id, $task->name, $task->prio, $task->cpu
    output $task->state
    echo \n
    set $node = $node->next
    set $left = $left - 1
  end
end
document tasks
List all tasks: number, name, priority, CPU and state.
end

define task-bt
  set $node = all_tasks.next
  set $left = 4096
  set $found = (struct task *)0
  while $node != &all_tasks && $left > 0
    set $task = (struct task *)((char *)$node - (unsigned long)&((struct task *)0)->all_node)
    if $task->id == $arg0
      set $found = $task
    end
    set $node = $node->next
    set $left = $left - 1
  end
  if $found == 0
    echo No task has that number; `tasks` lists them.\n
  else
    if $found->state == TASK_RUNNING
      printf "It runs on CPU %u: thread %u, then bt\n", $found->cpu, $found->cpu + 1
    else
      set $return = $found->ctx.lr
      set $record = (unsigned long *)$found->ctx.fp
      set $left = 32
      while $return != 0 && $left > 0
        output/a $return
        echo \n
        set $return = 0
        if $record != 0
          set $return = $record[1]
          set $record = (unsigned long *)$record[0]
        end
        set $left = $left - 1
      end
    end
  end
end
document task-bt
task-bt ID: where a task that does not run has stopped, the innermost call first.
end

echo If nothing answers, type in another terminal: make run QEMU_ARGS='-s -S'\n
echo Useful: hbreak kernel_main, hbreak panic, continue, bt, info threads (one per CPU)\n
echo Of ours: tasks, task-bt ID\n
