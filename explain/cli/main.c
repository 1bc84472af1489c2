/* The program; tests run its command lines without it. */
#include "command.h"

int main(int count, char **arguments)
{
    return run_command_line(count, arguments);
}
