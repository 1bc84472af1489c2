/* Whole files in and out. */
#include "support/check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cxai/file.h"

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/cxai-test-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

/* Calls visit (may be NULL) for every file; returns how many there are. */
static int each_file(int (*visit)(const char *))
{
    DIR *dir = opendir(folder);
    int count = 0;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char path[400];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        count++;
        if (visit != NULL)
            assert_int_equal(visit(path), 0);
    }
    closedir(dir);
    return count;
}

static int drop_folder(void **state)
{
    (void)state;
    each_file(unlink);
    return rmdir(folder);
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *path, const char *text)
{
    cxai_error error;
    check_ok(cxai_file_write(path, text, strlen(text), &error), &error);
}

static void check_content(const char *path, const char *want)
{
    void *bytes;
    size_t size;
    cxai_error error;
    check_ok(cxai_file_read(path, 0, &bytes, &size, &error), &error);
    assert_int_equal(size, strlen(want));
    assert_string_equal(bytes, want); /* the 0 behind its end is there */
    free(bytes);
}

static void files_come_back_as_written(void **state)
{
    (void)state;
    const char *path = path_of("text");
    write_file(path, "first");
    check_content(path, "first");
    write_file(path, "the second, longer");
    check_content(path, "the second, longer");
    write_file(path, "");
    check_content(path, "");
    assert_int_equal(each_file(NULL), 1);
}

static void large_files_and_pipes_are_read_whole(void **state)
{
    (void)state;
    enum { SIZE = 300000 };
    char *text = malloc(SIZE + 1);
    assert_non_null(text);
    for (int i = 0; i < SIZE; i++)
        text[i] = (char)('a' + i % 23);
    text[SIZE] = '\0';
    write_file(path_of("large"), text);
    check_content(path_of("large"), text);

    char command[200];
    snprintf(command, sizeof command, "cat %s", path_of("large"));
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    snprintf(command, sizeof command, "/dev/fd/%d", fileno(pipe));
    check_content(command, text);
    assert_int_equal(pclose(pipe), 0);
    free(text);
}

static void dash_is_standard_input(void **state)
{
    (void)state;
    int saved = dup(STDIN_FILENO);
    write_file(path_of("input"), "from stdin");
    int file = open(path_of("input"), O_RDONLY);
    assert_true(saved >= 0 && file >= 0);
    dup2(file, STDIN_FILENO);
    check_content("-", "from stdin");
    dup2(saved, STDIN_FILENO);
    close(file);
    close(saved);
}

static void check_unreadable(const char *path, uint64_t max_bytes,
                             cxai_status wanted, const char *text)
{
    void *bytes = folder;
    size_t size = 1;
    cxai_error error;
    check_error(cxai_file_read(path, max_bytes, &bytes, &size, &error), &error,
                wanted, text);
    assert_non_null(strstr(error.message, path));
    assert_null(bytes);
    assert_int_equal(size, 0);
}

static void unreadable_files_are_named(void **state)
{
    (void)state;
    write_file(path_of("eleven"), "eleven byte");
    check_content(path_of("eleven"), "eleven byte");
    check_unreadable(path_of("none"), 0, CXAI_NOT_FOUND, "No such file");
    check_unreadable(folder, 0, CXAI_IO, "is a folder");
    check_unreadable("/dev/zero", 0, CXAI_IO, "is a device");
    check_unreadable(path_of("eleven"), 10, CXAI_LIMIT, "limit of 10 bytes");
    FILE *pipe = popen("yes", "r"); /* a pipe without an end */
    assert_non_null(pipe);
    char path[32];
    snprintf(path, sizeof path, "/dev/fd/%d", fileno(pipe));
    check_unreadable(path, 100000, CXAI_LIMIT, "limit of 100000 bytes");
    pclose(pipe);
}

static void check_unwritable(const char *path, const char *text)
{
    cxai_error error;
    check_error(cxai_file_write(path, "0123456789", 10, &error), &error,
                CXAI_IO, text);
    assert_non_null(strstr(error.message, path));
}

static void unwritable_places_are_named(void **state)
{
    (void)state;
    write_file(path_of("file"), "a file");
    check_unwritable(path_of("none/x"), "No such file");
    check_unwritable(path_of("file/x"), "Not a directory");
    check_unwritable(folder, "is a folder");
    check_unwritable("/dev/full", "No space left");
    struct stat info;
    assert_int_equal(stat("/dev/full", &info), 0);
    assert_true(S_ISCHR(info.st_mode)); /* it was not replaced */
}

/* A limit on the size of files fails a write half-way, like a full disk. */
static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    enum { SIZE = 10000 };
    static const char zeros[SIZE];
    cxai_error error;
    write_file(path_of("kept"), "old content");
    struct rlimit before, tight = { .rlim_cur = 4096 };
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight.rlim_max = before.rlim_max;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    cxai_status old = cxai_file_write(path_of("kept"), zeros, SIZE, &error);
    cxai_status new = cxai_file_write(path_of("new"), zeros, SIZE, NULL);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    check_error(old, &error, CXAI_IO, "File too large");
    assert_int_equal(new, CXAI_IO);
    check_content(path_of("kept"), "old content");
    assert_int_equal(each_file(NULL), 1); /* nothing half-written is left */
}

static void links_and_permissions_stay(void **state)
{
    (void)state;
    struct stat info;
    char target[128];
    strcpy(target, path_of("target"));
    write_file(target, "old");
    assert_int_equal(chmod(target, 0640), 0);
    assert_int_equal(symlink(target, path_of("link")), 0);
    write_file(path_of("link"), "new");
    check_content(target, "new");
    assert_int_equal(lstat(path_of("link"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_int_equal(stat(target, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0640);
}

#define IN_FOLDER(test)                                                        \
    cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(files_come_back_as_written),
        IN_FOLDER(large_files_and_pipes_are_read_whole),
        IN_FOLDER(dash_is_standard_input),
        IN_FOLDER(unreadable_files_are_named),
        IN_FOLDER(unwritable_places_are_named),
        IN_FOLDER(a_full_disk_leaves_the_old_file),
        IN_FOLDER(links_and_permissions_stay),
    };
    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}
